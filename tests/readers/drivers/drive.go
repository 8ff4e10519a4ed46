// Reads by the recipe until told to stop; tests/readers/driver.hpp has the contract.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bundlesync.test/drive/prompts"
)

type driver struct {
	target, out string
	names       []string
	kept        prompts.Prompts
	seen        map[string]bool
	last        map[string][]byte

	reads, errors, changes int
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func (d *driver) key(files map[string][]byte) string {
	var key strings.Builder
	for _, name := range d.names {
		key.Write(files[name])
		key.WriteByte(0x1f)
	}
	return key.String()
}

func (d *driver) dump(folder string, files map[string][]byte) {
	for name, data := range files {
		path := filepath.Join(d.out, folder, name)
		check(os.MkdirAll(filepath.Dir(path), 0o755))
		check(os.WriteFile(path, data, 0o644))
	}
}

func (d *driver) note(files map[string][]byte, err error) bool {
	if err != nil {
		d.errors++
		fmt.Fprintln(os.Stderr, err)
		return false
	}
	if key := d.key(files); !d.seen[key] {
		d.seen[key] = true
		d.dump(fmt.Sprintf("seen-%d", len(d.seen)), files)
	}
	return true
}

func (d *driver) readBothWays() {
	files, _, err := prompts.Read(d.target, d.names...)
	d.note(files, err)
	files, err = d.kept.Files()
	if d.note(files, err) {
		if d.last != nil && d.key(files) != d.key(d.last) {
			d.changes++
		}
		d.last = files
	}
	d.reads++
}

func (d *driver) stopped() bool {
	_, err := os.Stat(filepath.Join(d.out, "stop"))
	return err == nil
}

func main() {
	target, out, names := os.Args[1], os.Args[2], os.Args[3:]
	d := driver{target: target, out: out, names: names, seen: map[string]bool{}}
	d.kept.Target, d.kept.Names = target, names
	for !d.stopped() {
		d.readBothWays()
	}
	d.readBothWays()
	if d.last != nil {
		d.dump("last", d.last)
	}
	fmt.Printf("reads=%d errors=%d changes=%d\n", d.reads, d.errors, d.changes)
}
