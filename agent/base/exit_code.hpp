#pragma once

namespace bundlesync {

/// How a command ends. The numbers are a contract with scripts (README.md, "Exit codes"): never renumber.
enum class ExitCode : int {
  done = 0,
  failed = 1,         ///< it was tried and did not work; an unknown template, an unreachable database
  usage = 2,          ///< the command line or the settings are wrong; nothing was tried
  differences = 3,    ///< a comparison found differences: diff, dry run, pending migrations, damage
  unauthorised = 4,   ///< the database or the storage said no to these credentials
  conflict = 5,       ///< somebody moved first, or this version exists with other content
  not_converged = 6,  ///< not there yet when the time was up
  held = 7,           ///< another agent holds the target
  lint = 100,         ///< `check` found something to mend
};

}  // namespace bundlesync
