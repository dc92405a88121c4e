package main

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLogWatch(t *testing.T) {
	t.Parallel()
	problems := []string{
		`{"level":"error","msg":"x"}`, `{"level":"warn","msg":"x"}`, "2026-01-01T00:00:00Z\tERROR\tx", "E0102 03:04:05 x.go:1] x",
		"time=2026-01-01 level=WARN msg=x", "panic: x", `{"level":"error","msg":"` + strings.Repeat("x", 2*maxProblemLine) + `"}`,
	}
	fine := []string{`{"level":"info","msg":"an error of level warn"}`, "2026-01-01T00:00:00Z\tINFO\tx", "I0102 03:04:05 x", "", "panic"}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var shown []string
		w := newLogWatch(&log, func(line string) { shown = append(shown, line) })
		for _, line := range fine {
			if _, err := io.WriteString(w, line+"\n"); err != nil || len(shown) > 0 {
				t.Fatalf("%q: shown %q, %v", line, shown, err)
			}
		}
		for i, line := range problems {
			for _, part := range []string{line[:3], line[3:], "\n"} {
				if _, err := io.WriteString(w, part); err != nil {
					t.Fatal(err)
				}
			}
			if len(shown) != i+1 || shown[i] != line[:min(len(line), maxProblemLine)] {
				t.Fatalf("%q: shown %q", line, shown)
			}
			<-time.After(problemInterval)
		}
		for range 100 { // at once
			if _, err := io.WriteString(w, problems[0]+"\n"); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(shown) - len(problems); got != 1 {
			t.Errorf("%d lines shown of a burst, want 1", got)
		}
		if want := strings.Join(append(fine, problems...), "\n") + "\n" + strings.Repeat(problems[0]+"\n", 100); log.String() != want {
			t.Error("the log is not complete")
		}
	})
}

func TestGuide(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := guide.Execute(&out, guideData{
		Ingress: "http://127.0.0.1:8080", Demo: "http://127.0.0.1:8090/", Username: "demo", Password: "it's", Domain: "d",
		Headers: credentials{"demo", "it's", "d"}.headers(), Body: exampleBody,
		Kubeconfig: "bin/dev/kubeconfig", Kubectl: "bin/k8s/1.37.2/kubectl",
	})
	if err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.HasSuffix(text, "\nready: ingress http://127.0.0.1:8080\n") {
		t.Errorf("the last line is not the one that others wait for:\n%s", text)
	}
	for _, want := range []string{"\n  export KUBECONFIG=bin/dev/kubeconfig\n", "bin/k8s/1.37.2/kubectl get inventorysnapshots -o yaml\n", "http://127.0.0.1:8090/"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}

	// What the shell makes of the curl.
	start, end := strings.Index(text, "  curl "), strings.Index(text, "\n\nLook at it")
	words, err := exec.Command("sh", "-c", `curl() { printf '%s\n' "$@"; }`+"\n"+text[start:end]).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"-X", "PUT", "http://127.0.0.1:8080/usp/inventories/absolute", "-H", "Content-Type: application/json",
		"-H", "authUsername: demo", "-H", "authPassword: it's", "-H", "authDomainName: d",
		"-d", `{ "locationCode": "wd003", "products": [ { "quantity": 40, "channelSkuCode":"ITEM302", } ] }`,
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSuffix(string(words), "\n"), "\n")); diff != "" {
		t.Errorf("arguments of curl (-want +got):\n%s", diff)
	}
}
