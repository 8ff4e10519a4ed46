"""judge.py SCHEMA DOCUMENTS   one line a document: "good", or "bad" and why.

DOCUMENTS is a JSON list of texts, each JSON or YAML. Exit 77 where a module is missing.
"""
import json
import re
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(missing)
    sys.exit(77)


def read(text):
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)


def pattern(validator, expression, instance, schema):
    # A schema's $ is the end of the text; Python's would let a newline follow.
    if isinstance(instance, str) and not re.search(re.sub(r"\$(?=\)|$)", r"\\Z", expression), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {expression!r}")


validator = jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": pattern})(schema)
with open(sys.argv[2], encoding="utf-8") as file:
    documents = json.load(file)
for document in documents:
    errors = list(validator.iter_errors(read(document)))
    print("bad " + errors[0].message.replace("\n", " ") if errors else "good")
