package webhook

import (
	"compress/gzip"
	_ "embed"
	"errors"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/log"
)

//go:embed openapi.json
var openAPI []byte

// operation handles a request that is authenticated and read. Its error is an *apiError, or internal.
type operation func(r *http.Request, who principal, body []byte) (any, error)

// route is a path with the one method that it has.
type route struct {
	path, method, name string
	do                 operation
}

func (s *Server) routes() []route {
	return []route{
		{"/usp/inventories/absolute", http.MethodPut, "put_absolute", s.putAbsolute},
		{"/updateInventories", http.MethodPut, "put_stores", s.putStores},
		{"/inventories", http.MethodPost, "read", s.readInventories},
		{"/inventories/search-sku", http.MethodPost, "search", s.searchSKU},
	}
}

// Handler returns the ingress as an http.Handler.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		mux.Handle(rt.path, s.observe(rt.name, s.serve(rt)))
	}
	mux.Handle("/openapi.json", s.observe("openapi", http.HandlerFunc(serveOpenAPI)))
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Ready(r); err != nil {
			refuse(http.StatusServiceUnavailable, codeStillLoading, "%s", err).after(unavailableRetryAfter).write(w)
			return
		}
		respond(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(http.StatusNotFound, codeNotFound, "path: there is nothing at %q; see /openapi.json", clip(r.URL.Path)).write(w)
	})
	return identify(mux)
}

func serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", http.MethodGet)
		refuse(http.StatusMethodNotAllowed, codeMethod, "method: must be GET, not %s", clip(r.Method)).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI) // the reader has gone
}

// serve checks a request in the order of what it costs, and answers it.
func (s *Server) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.handle(rt, w, r)
		if err == nil {
			respond(w, http.StatusOK, answer)
			return
		}
		var refused *apiError
		if !errors.As(err, &refused) {
			log.FromContext(r.Context()).Error(err, "A request failed", "operation", rt.name)
			refused = refuse(http.StatusServiceUnavailable, codeUnavailable, "the request could not be handled: send it again").after(unavailableRetryAfter)
		}
		refused.write(w)
	})
}

func (s *Server) handle(rt route, w http.ResponseWriter, r *http.Request) (any, error) {
	if r.Method != rt.method {
		w.Header().Set("Allow", rt.method)
		return nil, refuse(http.StatusMethodNotAllowed, codeMethod, "method: must be %s, not %s", rt.method, clip(r.Method))
	}
	if err := checkMediaType(r); err != nil {
		return nil, err
	}
	if r.ContentLength > s.opts.MaxBodyBytes {
		return nil, s.tooLarge()
	}
	if s.stopping.Load() {
		w.Header().Set("Connection", "close")
		return nil, refuse(http.StatusServiceUnavailable, codeShuttingDown, "this replica is shutting down: send the request again").after(unavailableRetryAfter)
	}
	who, err := s.auth.authenticate(r)
	if errors.Is(err, errNoPrincipal) {
		return nil, refuse(http.StatusUnauthorized, codeUnauthorized,
			"credentials: send authUsername, authPassword and authDomainName, or HTTP Basic, of a known client")
	}
	if err != nil {
		return nil, err
	}
	if wait, ok := s.limiter.take(who); !ok {
		return nil, refuse(http.StatusTooManyRequests, codeRateLimited, "rate: more than %d requests a minute", who[0].RequestsPerMinute()).after(wait)
	}
	body, bad := s.readBody(r)
	if bad != nil {
		return nil, bad
	}
	return rt.do(r, who, body)
}

// checkMediaType accepts JSON, and a request that does not say what it is.
func checkMediaType(r *http.Request) *apiError {
	given := r.Header.Get("Content-Type")
	if given != "" {
		media, params, err := mime.ParseMediaType(given)
		charset := strings.ToLower(params["charset"])
		if err != nil || media != "application/json" || (charset != "" && charset != "utf-8") {
			return refuse(http.StatusUnsupportedMediaType, codeMediaType, "Content-Type: must be application/json in UTF-8, not %q", clip(given))
		}
	}
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity", "gzip":
		return nil
	default:
		return refuse(http.StatusUnsupportedMediaType, codeMediaType, "Content-Encoding: must be gzip or absent, not %q", clip(encoding))
	}
}

func (s *Server) tooLarge() *apiError {
	return refuse(http.StatusRequestEntityTooLarge, codeTooLarge, "body: is larger than %d bytes", s.opts.MaxBodyBytes)
}

// readBody reads a body within bounds, decompressed.
func (s *Server) readBody(r *http.Request) ([]byte, *apiError) {
	// One byte more than allowed tells a body that is too large from one that just fits.
	var in io.Reader = &bounded{r: r.Body, left: s.opts.MaxBodyBytes + 1}
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, codeMalformed, "body: is not gzip, though Content-Encoding says so")
		}
		in = unzipped
	}
	body, err := io.ReadAll(io.LimitReader(in, s.opts.MaxBodyBytes+1))
	switch {
	case errors.Is(err, errBound), int64(len(body)) > s.opts.MaxBodyBytes:
		return nil, s.tooLarge()
	case err != nil:
		return nil, refuse(http.StatusBadRequest, codeMalformed, "body: could not be read to its end")
	}
	return body, nil
}

var errBound = errors.New("too long")

// bounded fails where io.LimitReader would pretend that the input has ended.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBound
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// observe counts and times requests, and keeps a panic to the request that caused it.
func (s *Server) observe(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.opts.Clock.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if p := recover(); p != nil {
				log.FromContext(r.Context()).Error(nil, "A request panicked", "operation", name, "panic", p, "stack", string(debug.Stack()))
				refuse(http.StatusInternalServerError, codeInternal, "the request could not be handled").write(seen)
			}
			requestSeconds.WithLabelValues(name).Observe(s.opts.Clock.Since(began).Seconds())
			requests.WithLabelValues(name, strconv.Itoa(seen.status)).Inc()
		}()
		next.ServeHTTP(seen, r)
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
