package trytontest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// maxBody bounds a call's body, in bytes.
const maxBody = 4 << 20

// call is a call of JSON-RPC.
type call struct {
	ID     int               `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

// exception is an error that is sent with status 200.
type exception []any

func userError(words string) exception {
	return exception{"UserError", []any{words, "", nil}}
}

func crash(words string) exception { return exception{words, "Traceback"} }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var c call
	err := fakeserver.DecodeBody(w, r, maxBody, &c)
	switch {
	case r.Method != http.MethodPost:
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	case r.URL.Path != "/erp/":
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	case err != nil || !strings.Contains(r.Header.Get("Content-Type"), "json"):
		http.Error(w, "Unable to read JSON request", http.StatusBadRequest)
		return
	}
	s.Record(c.Method)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Method == "common.db.login" {
		s.login(w, c)
		return
	}
	if !s.knows(r) {
		w.Header().Set("Www-Authenticate", `Basic realm="Tryton"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	method, known := methods[c.Method]
	if !known {
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	}
	var result any
	fault := exception(nil)
	if words := s.refused[c.Method]; words != "" {
		fault = userError(words)
	} else {
		result, fault = s.run(method, c)
	}
	s.answer(w, c.ID, result, fault)
}

// run checks the context of a call, its last parameter, and calls its method.
func (s *Server) run(method func(*Server, *arguments) (any, exception), c call) (any, exception) {
	if len(c.Params) == 0 {
		return nil, crash("Missing context argument")
	}
	a := arguments{params: c.Params[:len(c.Params)-1]}
	if err := json.Unmarshal(c.Params[len(c.Params)-1], &a.context); err != nil {
		return nil, crash("Missing context argument")
	}
	result, fault := method(s, &a)
	if a.err != nil {
		return nil, crash(a.err.Error())
	}
	return result, fault
}

func (s *Server) answer(w http.ResponseWriter, id int, result any, fault exception) {
	out := map[string]any{"id": id, "result": result}
	if fault != nil {
		out = map[string]any{"id": id, "error": fault}
	}
	fakeserver.JSON(w, http.StatusOK, out)
}

func (s *Server) login(w http.ResponseWriter, c call) {
	var name string
	var given struct {
		Password string `json:"password"`
	}
	if len(c.Params) < 2 || json.Unmarshal(c.Params[0], &name) != nil || json.Unmarshal(c.Params[1], &given) != nil {
		s.answer(w, c.ID, nil, crash("login() missing arguments"))
		return
	}
	if name != s.username || given.Password != s.password {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	key := fmt.Sprintf("session-key-%d", s.nextID())
	s.sessions[key] = true
	s.answer(w, c.ID, []any{1, key}, nil)
}

// knows reports whether a call has a session.
func (s *Server) knows(r *http.Request) bool {
	value, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Session ")
	raw, err := base64.StdEncoding.DecodeString(value)
	parts := strings.Split(string(raw), ":")
	return ok && err == nil && len(parts) == 3 && parts[0] == s.username && parts[1] == "1" && s.sessions[parts[2]]
}

// bool is a boolean as the server's database has it.
func (s *Server) bool(b bool) any {
	switch {
	case !s.numbers:
		return b
	case b:
		return 1
	default:
		return 0
	}
}
