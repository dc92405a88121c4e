package venduretest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// maxBody bounds a call's body, in bytes.
const maxBody = 4 << 20

// call is a GraphQL request.
type call struct {
	Query     string          `json:"query"`
	Variables json.RawMessage `json:"variables"`
}

var operationName = regexp.MustCompile(`^(?:query|mutation) (\w+)`)

var operations = map[string]func(*Shop, json.RawMessage) (any, *Failure){
	"Probe":     (*Shop).probe,
	"ProbeKey":  (*Shop).probeKey,
	"Locations": (*Shop).listLocations,
	"Variants":  (*Shop).listVariants,
	"Set":       (*Shop).setLevels,
}

// ServeHTTP implements http.Handler.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var c call
	if err := fakeserver.DecodeBody(w, r, maxBody, &c); err != nil || r.Method != http.MethodPost {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	match := operationName.FindStringSubmatch(c.Query)
	if match == nil {
		fail(w, http.StatusBadRequest, Failure{"GRAPHQL_PARSE_FAILED", "Syntax Error"})
		return
	}
	name := match[1]
	s.Record(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.refused[name]; f != (Failure{}) {
		fail(w, http.StatusOK, f)
		return
	}
	if name == "Login" {
		s.login(w, c.Variables)
		return
	}
	token := r.Header.Get("Vendure-Token")
	run, known := operations[name]
	switch {
	case !known:
		fail(w, http.StatusBadRequest, Failure{"GRAPHQL_VALIDATION_FAILED", "Cannot query"})
	case !s.knows(r) || len(s.permissions) == 0:
		fail(w, http.StatusOK, Failure{"FORBIDDEN", "You are not currently authorized to perform this action"})
	case name == "Probe" && r.Header.Get("Vendure-Api-Key") != "":
		fail(w, http.StatusOK, Failure{"FORBIDDEN", "You are not currently authorized to perform this action"}) // as a key is nobody
	case token == "gone":
		fail(w, http.StatusOK, Failure{"CHANNEL_NOT_FOUND", "No Channel with the token \"gone\" exists"})
	default: // any other token is taken for the default channel's, as Vendure does that has only that one
		data, failure := run(s, c.Variables)
		if failure != nil {
			fail(w, http.StatusOK, *failure)
			return
		}
		fakeserver.JSON(w, http.StatusOK, map[string]any{"data": data})
	}
}

func fail(w http.ResponseWriter, status int, f Failure) {
	e := map[string]any{"message": f.Message}
	if f.Code != "" {
		e["extensions"] = map[string]string{"code": f.Code}
	}
	fakeserver.JSON(w, status, map[string]any{"errors": []any{e}, "data": nil})
}

func (s *Shop) login(w http.ResponseWriter, variables json.RawMessage) {
	var in struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	if f := decode(variables, &in); f != nil {
		fail(w, http.StatusOK, *f)
		return
	}
	if in.Username != s.username || in.Password != s.password {
		fakeserver.JSON(w, http.StatusOK, map[string]any{"data": map[string]any{"login": map[string]string{
			"__typename": "InvalidCredentialsError", "errorCode": "INVALID_CREDENTIALS_ERROR", "message": "The provided credentials are invalid",
		}}})
		return
	}
	key := "session-token-" + s.nextID()
	s.sessions[key] = true
	if s.cookies {
		for name, value := range map[string]string{"session": key, "session.sig": "signature"} {
			http.SetCookie(w, &http.Cookie{Name: name, Value: value, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
		}
	} else {
		w.Header().Set("Vendure-Auth-Token", key)
	}
	fakeserver.JSON(w, http.StatusOK, map[string]any{"data": map[string]any{"login": map[string]string{"__typename": "CurrentUser"}}})
}

// knows reports whether a call has credentials.
func (s *Shop) knows(r *http.Request) bool {
	if s.apiKey != "" && r.Header.Get("Vendure-Api-Key") == s.apiKey {
		return true
	}
	if s.cookies {
		session, err := r.Cookie("session")
		signature, signed := r.Cookie("session.sig")
		return err == nil && signed == nil && s.sessions[session.Value] && signature.Value == "signature"
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && s.sessions[token]
}

// decode reads variables, of which none may be unknown.
func decode(variables json.RawMessage, into any) *Failure {
	if err := fakeserver.DecodeStrict(variables, into); err != nil {
		return &Failure{"BAD_USER_INPUT", fmt.Sprintf("Variable got invalid value: %v", err)}
	}
	return nil
}
