// Command bench measures Tallyman as a whole: it starts etcd, an API server and managers, sends what warehouse
// systems send, receives what channels receive, and compares each figure with plain creates of the same
// objects on the same control plane. See docs/performance.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
)

// errMissed means that the run came to its end, and not all is as it should be.
var errMissed = errors.New("not all aims are met")

func main() { os.Exit(exit()) }

// exit runs the program and returns its exit code.
func exit() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(logr.Discard()) // envtest's own words add nothing to the errors that it returns
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	return 1
}

// options are the flags.
type options struct {
	set, root, out, docs string
	manager              string
	files                []string
	words                []string
	scale                float64
	profile              time.Duration
	check                bool
	list                 bool
}

func parse(args []string, messages io.Writer) (options, error) {
	o := options{}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(messages)
	fs.Usage = func() {
		fmt.Fprintln(messages, "usage: bench [flags] [words that names of scenarios contain]")
		fs.PrintDefaults()
	}
	fs.StringVar(&o.set, "set", setShort, "Scenarios to run: short or full.")
	fs.Func("scenario", "A scenario's file, instead of the built-in ones; may be repeated.", func(file string) error {
		o.files = append(o.files, file)
		return nil
	})
	fs.StringVar(&o.root, "root", ".", "Top folder of the repository.")
	fs.StringVar(&o.manager, "manager", "", "A manager's binary to measure; built from the repository where empty.")
	fs.StringVar(&o.out, "out", "bin/bench-results", "Folder for report.json, charts and logs.")
	fs.StringVar(&o.docs, "docs", "", "A Markdown page to write tables and charts into, between its markers; none where empty.")
	fs.Float64Var(&o.scale, "scale", 1, "Shrink counts and times, to try the runner: above 0, at most 1.")
	fs.DurationVar(&o.profile, "profile", 0, "Take CPU profiles of managers and API server, for so long from the beginning of each load, into the folder of logs.")
	fs.BoolVar(&o.check, "check", false, "Exit with 1 where an aim is missed.")
	fs.BoolVar(&o.list, "list", false, "List scenarios and exit.")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.words = fs.Args()
	if o.set != setShort && o.set != setFull {
		return o, fmt.Errorf("-set %s: must be %s or %s", o.set, setShort, setFull)
	}
	if !(o.scale > 0 && o.scale <= 1) {
		return o, fmt.Errorf("-scale %g: must be above 0 and at most 1", o.scale)
	}
	if o.docs != "" && o.scale != 1 {
		return o, errors.New("-docs: a scaled run measures nothing that a page should say")
	}
	return o, nil
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	scenarios, err := load(o.files, o.set, o.words)
	if err != nil {
		return err
	}
	if o.list {
		for _, s := range scenarios {
			fmt.Fprintf(stdout, "%s: %s\n", s.Name, s.Description)
		}
		return nil
	}
	r := &runner{opts: o, clock: clock.RealClock{}, binary: o.manager, messages: stderr}
	if r.binary == "" {
		dir, err := os.MkdirTemp("", "tallyman-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		r.say("building the manager")
		if r.binary, err = buildManager(ctx, o.root, dir); err != nil {
			return err
		}
	}
	report := r.run(ctx, scenarios)
	return errors.Join(r.publish(report, stdout), ctx.Err())
}

// runner plays scenarios one after the other.
type runner struct {
	opts     options
	clock    clock.WithTicker
	binary   string // the manager
	messages io.Writer
}

// say tells how far the run is.
func (r *runner) say(format string, args ...any) {
	fmt.Fprintf(r.messages, "%s %s\n", r.clock.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

func (r *runner) run(ctx context.Context, scenarios []*Scenario) *Report {
	report := &Report{Environment: lookAround(ctx, r.opts.root)}
	report.Environment.Date = r.clock.Now().UTC().Format(time.RFC3339)
	report.Environment.Scale, report.Environment.Set = r.opts.scale, r.opts.set
	for _, s := range scenarios {
		if ctx.Err() != nil {
			break
		}
		s.scaledTo(r.opts.scale)
		r.say("%s: %s", s.Name, s.Description)
		result := r.play(ctx, s)
		result.Outcomes = compareFigures(s.Expect, result.Figures)
		if result.Error != "" {
			r.say("%s: broken off: %s", s.Name, result.Error)
		}
		report.Results = append(report.Results, result)
	}
	return report
}

// publish writes the report everywhere, and returns an error unless all is well.
func (r *runner) publish(report *Report, stdout io.Writer) error {
	file := filepath.Join(r.opts.out, "report.json")
	if err := report.writeJSON(file); err != nil {
		return err
	}
	if err := report.print(stdout); err != nil {
		return err
	}
	if err := writeCharts(report, filepath.Join(r.opts.out, "charts")); err != nil {
		return err
	}
	if r.opts.docs != "" {
		if err := writeDocs(report, r.opts.docs); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "\nEverything that was measured is in %s.\n", file)
	aims, broken := missed(report.Results)
	switch {
	case broken > 0:
		return fmt.Errorf("%d scenarios were broken off", broken)
	case aims > 0 && r.opts.check:
		return fmt.Errorf("%w: %d", errMissed, aims)
	}
	return nil
}
