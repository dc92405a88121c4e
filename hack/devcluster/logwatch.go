package main

import (
	"bytes"
	"io"
	"regexp"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// problemInterval is the least time between two pointers to the log.
	problemInterval = 10 * time.Second

	// maxProblemLine cuts what is shown of a line, in bytes.
	maxProblemLine = 300
)

// problem matches a log line of level warning or above: zap's JSON and console formats, slog's
// text and klog's, and a panic.
var problem = regexp.MustCompile(`"level":"(warn|error|dpanic|panic|fatal)"|\t(WARN|ERROR|DPANIC|PANIC|FATAL)\t|level=(WARN|ERROR)|^[EF]\d{4} |^panic: |^fatal error: `)

// logWatch passes a log on and now and then points at a problem in it. Write is safe for
// concurrent use.
type logWatch struct {
	to   io.Writer
	show func(line string)

	mu     sync.Mutex
	line   []byte // what has come of the unfinished line, cut at maxProblemLine
	pacing rate.Sometimes
}

func newLogWatch(to io.Writer, show func(string)) *logWatch {
	return &logWatch{to: to, show: show, pacing: rate.Sometimes{Interval: problemInterval}}
}

// Write implements io.Writer.
func (w *logWatch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; len(rest) > 0; {
		part, after, complete := bytes.Cut(rest, []byte("\n"))
		rest = after
		w.line = append(w.line, part[:min(len(part), maxProblemLine-len(w.line))]...)
		if !complete {
			break
		}
		if problem.Match(w.line) {
			w.pacing.Do(func() { w.show(string(w.line)) })
		}
		w.line = w.line[:0]
	}
	return w.to.Write(p)
}
