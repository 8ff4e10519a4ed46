// Package prompts reads files that bundlesync shows, all of one moment. Copy this file into your app: Go 1.19, Unix.
//
//	p := prompts.Prompts{Target: "/prompts", Names: []string{"section7/section7_master.md", "section7/config.json"}}
//	files, err := p.Files() // as often as you like
package prompts

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Read gives the bytes of files named like "template/path": files of one template are of one version, and several
// templates are of one moment. The view never comes back: a rollback is a new view, too.
func Read(target string, names ...string) (files map[string][]byte, view string, err error) {
	// Old views stay for a while. Whoever slept longer finds nothing, and looks for the new one.
	for attempt := 0; attempt < 5; attempt++ {
		files, view, err = readOnce(target, names)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESTALE) {
			break
		}
	}
	return files, view, err
}

func readOnce(target string, names []string) (map[string][]byte, string, error) {
	view, err := os.Readlink(filepath.Join(target, "..data")) // once: a second look could give the next version
	files := make(map[string][]byte, len(names))
	for i := 0; i < len(names) && err == nil; i++ {
		files[names[i]], err = os.ReadFile(filepath.Join(target, view, names[i]))
	}
	return files, view, err
}

// Prompts reads again when something has changed. Goroutines may share it.
type Prompts struct {
	Target string
	Names  []string

	mutex sync.Mutex
	view  string
	files map[string][]byte
}

// Files gives what is shown now, for reading only; with an error, what was read last.
func (p *Prompts) Files() (map[string][]byte, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	view, err := os.Readlink(filepath.Join(p.Target, "..data")) // about a microsecond
	if err != nil || view == p.view {
		return p.files, err
	}
	files, view, err := Read(p.Target, p.Names...)
	if err == nil {
		p.files, p.view = files, view
	}
	return p.files, err
}
