package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stampFile holds one line for each binary: its name and what it was built from.
const stampFile = "versions.txt"

// stampOf tells what t is built from: its module, the toolchain and platform, and a digest of
// the dependencies and linker flags.
func stampOf(t target, platform, inputs string) string {
	sum := sha256.Sum256([]byte(inputs + "\n" + t.ldflags))
	return fmt.Sprintf("%s@%s %s %x", t.version.Path, t.version.Version, platform, sum[:8])
}

// digestFiles is a digest of the files' contents.
func digestFiles(paths ...string) (string, error) {
	sum := sha256.New()
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%d\n%s", len(raw), raw)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// readStamps reads the stamp file of dir into a map by binary; empty where there is none.
func readStamps(dir string) (map[string]string, error) {
	stamps := map[string]string{}
	raw, err := os.ReadFile(filepath.Join(dir, stampFile))
	if errors.Is(err, fs.ErrNotExist) {
		return stamps, nil
	} else if err != nil {
		return nil, err
	}
	for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); {
		if name, stamp, ok := strings.Cut(s.Text(), " "); ok {
			stamps[name] = stamp
		}
	}
	return stamps, nil
}

// writeStamps replaces the stamp file of dir.
func writeStamps(dir string, stamps map[string]string) error {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(stamps)) {
		fmt.Fprintf(&text, "%s %s\n", name, stamps[name])
	}
	tmp := filepath.Join(dir, "."+stampFile)
	if err := os.WriteFile(tmp, []byte(text.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, stampFile))
}
