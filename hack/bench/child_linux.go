package main

import "syscall"

// childAttributes puts a child into a process group of its own, so that Ctrl-C reaches it through the
// ordered stop only, and ends it when the runner is killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
