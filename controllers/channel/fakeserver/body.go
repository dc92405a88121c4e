package fakeserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

var errTrailing = errors.New("something comes after the JSON")

// ReadBody reads the whole body of a request, or fails where it is cut or has more bytes than a limit.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
}

// PeekBody reads the whole body of a request, and leaves it there to be read again.
func PeekBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := ReadBody(w, r, limit)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

// DecodeBody reads a body that is one JSON value and nothing else.
func DecodeBody(w http.ResponseWriter, r *http.Request, limit int64, into any) error {
	body, err := ReadBody(w, r, limit)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// DecodeStrict decodes one JSON value and nothing else, whose objects have no field that is not known.
func DecodeStrict(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}
