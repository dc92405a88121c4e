package main

import (
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// guideData is what a person needs to know of a running cluster.
type guideData struct {
	Ingress, Demo, APIServer, Metrics string
	Username, Password, Domain        string
	Headers                           [][2]string
	Body                              string
	Kubeconfig, Kubectl               string
	Dir, ManagerLog, ManagerPID       string
}

var guide = template.Must(template.New("guide").Funcs(template.FuncMap{"quote": shellQuote}).Parse(`
Tallyman runs.

  ingress        {{.Ingress}}  (username {{.Username}}, password {{.Password}}{{with .Domain}}, domain {{.}}{{end}})
  demo channels  {{.Demo}}
  API server     {{.APIServer}}
  metrics        {{.Metrics}}
  manager's log  {{.ManagerLog}}

Send the inventory standard's own example:

  curl -X PUT {{.Ingress}}/usp/inventories/absolute \
    -H 'Content-Type: application/json' \
    {{- range .Headers}}
    -H {{quote (printf "%s: %s" (index . 0) (index . 1))}} \
    {{- end}}
    -d {{quote .Body}}

Look at it, from the top of the repository:

  export KUBECONFIG={{quote .Kubeconfig}}
  {{quote .Kubectl}} get tallyman
  {{quote .Kubectl}} get inventorybatches -o yaml
  {{quote .Kubectl}} get inventorysnapshots -o yaml

Break it, and see that nothing is lost:

  kill -9 $(cat {{quote .ManagerPID}})

Ctrl-C stops everything and keeps the data in {{.Dir}}; ` + "`make run-clean`" + ` wipes it.

ready: ingress {{.Ingress}}
`))

// plain are the characters that no shell takes for anything else.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,"

// shellQuote makes one word for a POSIX shell.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// shown is a path as a person in the present folder would write it.
func shown(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
