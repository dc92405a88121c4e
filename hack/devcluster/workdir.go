package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// workDir is the folder that a running devcluster owns.
type workDir struct {
	path string // absolute
	lock *os.File
}

// openWorkDir makes and locks the folder. The lock ends with the process, however that ends.
func openWorkDir(path string) (*workDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil { // it holds an administrator's key
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	d := &workDir{path: path, lock: lock}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer lock.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
		}
		owner, _ := os.ReadFile(lock.Name()) // the number is a help, not a must
		return nil, fmt.Errorf("another devcluster (process %s) runs on %s: stop that first", strings.TrimSpace(string(owner)), path)
	}
	if err := lock.Truncate(0); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if _, err := fmt.Fprintln(lock, os.Getpid()); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

func (d *workDir) close() error { return d.lock.Close() }

// file is a path inside the folder.
func (d *workDir) file(name string) string { return filepath.Join(d.path, name) }

// wipe removes the folder, after ending what an earlier devcluster left running on it.
func (d *workDir) wipe(ctx context.Context) error {
	if err := d.stopLeftovers(ctx, func(string, ...any) {}); err != nil {
		return err
	}
	return os.RemoveAll(d.path)
}

// openLog opens a fresh log file and keeps the one of the run before as <name>.1.
func (d *workDir) openLog(name string) (*os.File, error) {
	path := d.file(name)
	if err := os.Rename(path, path+".1"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// writePrivate replaces a file that only its owner may read.
func writePrivate(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(data); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
