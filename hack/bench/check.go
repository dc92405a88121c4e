package main

import (
	"fmt"
	"strconv"
)

// Outcome is what became of an expectation.
type Outcome struct {
	Expectation
	Aim string `json:"aim"` // in words
	// Got is what was compared; nil where it was not measured.
	Got *float64 `json:"got,omitempty"`
	Met bool     `json:"met"`
}

// compareFigures compares figures with expectations.
func compareFigures(expect []Expectation, measured []Figure) []Outcome {
	byPath := map[string]Figure{}
	for _, f := range measured {
		byPath[f.path()] = f
	}
	var out []Outcome
	for _, e := range expect {
		v := Outcome{Expectation: e, Aim: e.aim(), Got: e.comparand(byPath)}
		if v.Got != nil {
			v.Met = (e.AtLeast == nil || *v.Got >= *e.AtLeast) && (e.AtMost == nil || *v.Got <= *e.AtMost)
		}
		out = append(out, v)
	}
	return out
}

// comparand is what the expectation looks at; nil where it was not measured.
func (e Expectation) comparand(figures map[string]Figure) *float64 {
	f, ok := figures[e.Figure]
	if !ok {
		return nil
	}
	switch e.Of {
	case OfBaseline:
		return f.Ratio
	case OfFigure:
		other, ok := figures[e.RelativeTo]
		if !ok || other.Value == 0 {
			return nil
		}
		return new(f.Value / other.Value)
	default:
		return &f.Value
	}
}

// aim says the expectation in words.
func (e Expectation) aim() string {
	relation, bound := "at least", e.AtLeast
	if bound == nil {
		relation, bound = "at most", e.AtMost
	}
	number := strconv.FormatFloat(*bound, 'g', -1, 64)
	switch e.Of {
	case OfBaseline:
		return fmt.Sprintf("%s %s x raw", relation, number)
	case OfFigure:
		return fmt.Sprintf("%s %s x %s", relation, number, e.RelativeTo)
	default:
		return fmt.Sprintf("%s %s", relation, number)
	}
}

// missed counts expectations that were not met, and scenarios that did not come to their end.
func missed(results []Result) (aims, broken int) {
	for _, r := range results {
		if r.Error != "" {
			broken++
		}
		for _, v := range r.Outcomes {
			if !v.Met {
				aims++
			}
		}
	}
	return aims, broken
}
