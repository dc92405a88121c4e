package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
	"golang.org/x/time/rate"
)

// plainInterval is the least time between two progress lines where the output is no terminal:
// logs of CI stay short.
const plainInterval = 10 * time.Second

// reporter tells a person how far the work is: a bar on a terminal, now and then a line elsewhere.
type reporter struct {
	out      io.Writer
	quiet    bool
	terminal bool
	plain    rate.Sometimes
	bar      *progressbar.ProgressBar
}

func newReporter(out io.Writer, quiet bool) *reporter {
	f, ok := out.(*os.File)
	return &reporter{
		out:      out,
		quiet:    quiet,
		terminal: ok && term.IsTerminal(int(f.Fd())),
		plain:    rate.Sometimes{Interval: plainInterval},
	}
}

// say prints a line.
func (r *reporter) say(format string, args ...any) {
	if !r.quiet {
		r.line(fmt.Sprintf(format, args...))
	}
}

// forward prints a line of the go command that is neither progress nor a download: mostly an
// error, so it is printed even when quiet.
func (r *reporter) forward(line string) { r.line(line) }

// working shows what is going on, without a count.
func (r *reporter) working(what string) {
	switch {
	case r.quiet:
	case r.bar != nil:
		r.bar.Describe(what)
	case r.terminal:
		fmt.Fprintf(r.out, "\r\x1b[K%s\r", what)
	default:
		r.plain.Do(func() { r.line(what) })
	}
}

func (r *reporter) line(line string) {
	if r.terminal {
		fmt.Fprint(r.out, "\r\x1b[K")
	}
	fmt.Fprintln(r.out, line)
}

// progress counts the packages of one build.
type progress struct {
	report  *reporter
	name    string
	pending map[string]bool
	total   int
}

// start begins to count packages; the link, which takes as long as many of them, counts as one.
func (r *reporter) start(name string, packages []string) *progress {
	p := &progress{report: r, name: name, pending: make(map[string]bool, len(packages)), total: len(packages) + 1}
	for _, pkg := range packages {
		p.pending[pkg] = true
	}
	if r.terminal && !r.quiet {
		r.bar = progressbar.NewOptions(p.total,
			progressbar.OptionSetWriter(r.out),
			progressbar.OptionSetDescription(name),
			progressbar.OptionSetWidth(40),
			progressbar.OptionShowCount(),
			progressbar.OptionSetRenderBlankState(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// compiled takes a line of `go build -v`, and reports whether it named a package of this build.
func (p *progress) compiled(line string) bool {
	if !p.pending[line] {
		return false
	}
	delete(p.pending, line)
	done := p.total - 1 - len(p.pending)
	r := p.report
	switch {
	case r.quiet:
	case r.bar != nil:
		// An error of the bar is one of its output: no reason to stop the build.
		_ = r.bar.Add(1)
		if len(p.pending) == 0 {
			r.bar.Describe(p.name + " linking")
		}
	default:
		r.plain.Do(func() { r.say("%s: %d of %d packages", p.name, done, p.total-1) })
	}
	return true
}

// stop ends the bar.
func (p *progress) stop() {
	if bar := p.report.bar; bar != nil {
		_ = bar.Finish()
		p.report.bar = nil
	}
}
