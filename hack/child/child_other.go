//go:build !linux

// Package child says how processes are started that must not outlive the one that starts them.
package child

import "syscall"

// Attributes puts a child into a process group of its own, so that Ctrl-C reaches it through an
// ordered stop only.
func Attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
