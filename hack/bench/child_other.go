//go:build !linux

package main

import "syscall"

// childAttributes puts a child into a process group of its own. Figures come from /proc, so that scenarios run
// on Linux only; elsewhere the runner does not get that far.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
