package amazon

import (
	"bytes"
	"compress/gzip"
	"errors"
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// TestDocumentOrigins checks which URLs of documents are called.
func TestDocumentOrigins(t *testing.T) {
	t.Parallel()
	own := []inventoryv1alpha1.AmazonDocumentOrigin{"https://d34.example.com", "http://127.0.0.1:8080", "https://*.store.example.com:8443"}
	cases := []struct {
		origins []inventoryv1alpha1.AmazonDocumentOrigin
		url     string
		want    bool
	}{
		{nil, "https://tortuga-prod-na.s3-external-1.amazonaws.com/id?X-Amz-Signature=s", true},
		{nil, "https://tortuga-prod-na.s3.amazonaws.com/%2FNinetyDays/id", true},
		{nil, "https://tortuga-prod-eu.s3-eu-west-1.amazonaws.com/id", true},
		{nil, "https://tortuga-prod-fe.s3.us-west-2.amazonaws.com/id", true},
		{nil, "https://TORTUGA-prod-na.S3.amazonaws.com:443/id", true},
		{nil, "http://tortuga-prod-na.s3.amazonaws.com/id", false},
		{nil, "https://tortuga-prod-na.s3.amazonaws.com:8443/id", false},
		{nil, "https://s3.amazonaws.com/tortuga-prod-na/id", false},
		{nil, "https://user@tortuga-prod-na.s3.amazonaws.com/id", false},
		{nil, "https://tortuga-prod-na.s3.amazonaws.com.example.com/id", false},
		{nil, "https://tortuga-prod-na.s3.amazonaws.com./id", false},
		{nil, "https://evils3.amazonaws.com/id", false},
		{nil, "https://ec2-203-0-113-7.compute-1.amazonaws.com/id", false},
		{nil, "https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com/id", false},
		{nil, "https://example.com/?.s3.amazonaws.com", false},
		{nil, "https://example.com#.s3.amazonaws.com", false},
		{nil, `https://example.com\.s3.amazonaws.com`, false},
		{nil, "https://169.254.169.254/latest", false},
		{nil, "https://[::1]/", false},
		{nil, "//tortuga-prod-na.s3.amazonaws.com/id", false},
		{nil, "ftp://tortuga-prod-na.s3.amazonaws.com/id", false},
		{nil, "file:///etc/passwd", false},
		{nil, "", false},
		{own, "https://d34.example.com/id", true},
		{own, "https://a.d34.example.com/id", false},
		{own, "http://d34.example.com/id", false},
		{own, "http://127.0.0.1:8080/id", true},
		{own, "http://127.0.0.1:8081/id", false},
		{own, "https://a.b.store.example.com:8443/id", true},
		{own, "https://store.example.com:8443/id", false},
		{own, "https://a.store.example.com/id", false},
		{own, "https://tortuga-prod-na.s3.amazonaws.com/id", false},
	}
	for _, tc := range cases {
		t.Run(tc.url, func(t *testing.T) {
			t.Parallel()
			d, err := newDocuments(&inventoryv1alpha1.AmazonChannel{DocumentOrigins: tc.origins}, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = d.check(tc.url)
			if (err == nil) != tc.want {
				t.Errorf("error %v, allowed: %v", err, tc.want)
			}
			if e := channel.AsError(err); e != nil && (e.Class != channel.Terminal || e.Reason != "ForeignDocument") {
				t.Errorf("error %s %s", e.Class, e.Reason)
			}
		})
	}
}

func zipped(t *testing.T, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestUnzip(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		content []byte
		want    int // bytes; -1 for an error
	}{
		"plain":     {[]byte(`{"issues":[]}`), 13},
		"empty":     {nil, 0},
		"zipped":    {zipped(t, 100), 100},
		"the most":  {zipped(t, maxReport), maxReport},
		"a bomb":    {zipped(t, maxReport+1), -1},
		"cut":       {zipped(t, 100)[:20], -1},
		"no header": {[]byte{0x1f, 0x8b, 1}, -1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := unzip(tc.content)
			if (err != nil) != (tc.want < 0) || err == nil && len(out) != tc.want {
				t.Errorf("%d bytes, %v", len(out), err)
			}
			if e := channel.AsError(err); e != nil && (e.Class != channel.Retry || e.Reason != "InvalidReport") {
				t.Errorf("error %s %s", e.Class, e.Reason)
			}
		})
	}
}
