//go:build !linux

// Package child says how processes are started that must not outlive the one that starts them.
package child

import "syscall"

// Attributes puts a child into a process group of its own, so that Ctrl-C reaches it through an
// ordered stop only. Whatever becomes of its parent, it is sent nothing here.
func Attributes(syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
