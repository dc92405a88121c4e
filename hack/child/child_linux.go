// Package child says how processes are started that must not outlive the one that starts them.
package child

import "syscall"

// Attributes puts a child into a process group of its own, so that Ctrl-C reaches it through an
// ordered stop only, and sends it a signal when its parent is killed.
func Attributes(orphaned syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: orphaned}
}
