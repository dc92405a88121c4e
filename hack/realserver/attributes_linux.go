package realserver

import "syscall"

// attributes puts a server into a process group of its own, and ends it when the test is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
