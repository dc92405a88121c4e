package amazon

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// feedContentType must be the same where a document is announced and where it is uploaded: it is
	// a part of the URL's signature.
	feedContentType = "application/json; charset=UTF-8"

	// maxReport bounds a processing report, in bytes after decompression.
	maxReport = 16 << 20
)

// s3 is where Amazon keeps the documents of feeds: buckets of S3 in the regions of the three endpoints.
var s3 = []inventoryv1alpha1.AmazonDocumentOrigin{
	"https://*.s3.amazonaws.com", "https://*.s3-external-1.amazonaws.com", "https://*.s3.us-east-1.amazonaws.com",
	"https://*.s3.eu-west-1.amazonaws.com", "https://*.s3-eu-west-1.amazonaws.com",
	"https://*.s3.us-west-2.amazonaws.com", "https://*.s3-us-west-2.amazonaws.com",
}

// documents moves the documents of feeds. Their URLs come with Amazon's answers, and whoever holds one
// may use it: no request leaves for another origin than those that the Channel allows, none carries the
// access token, and no error shows one.
type documents struct {
	http    *channel.HTTPClient
	allowed []origin
}

// newDocuments reads what a Channel allows. Its error is an *Error of class Terminal.
func newDocuments(spec *inventoryv1alpha1.AmazonChannel, client *channel.HTTPClient) (*documents, error) {
	origins := spec.DocumentOrigins
	if len(origins) == 0 {
		origins = s3
	}
	d := &documents{http: client}
	for _, text := range origins {
		o, err := parseOrigin(string(text))
		if err != nil {
			return nil, err
		}
		d.allowed = append(d.allowed, o)
	}
	return d, nil
}

// upload stores a document.
func (d *documents) upload(ctx context.Context, target string, content []byte) error {
	_, err := d.call(ctx, channel.Request{
		Method: http.MethodPut, URL: target, Body: channel.Raw{ContentType: feedContentType, Content: content},
	})
	return err
}

// download fetches a document.
func (d *documents) download(ctx context.Context, source string) ([]byte, error) {
	answer, err := d.call(ctx, channel.Request{Method: http.MethodGet, URL: source})
	if err != nil {
		return nil, err
	}
	return unzip(answer.Body)
}

// call makes a request to the storage, whose refusals say nothing of the credentials or of SKUs, and
// quote the signature of the URL.
func (d *documents) call(ctx context.Context, r channel.Request) (*channel.Response, error) {
	if err := d.check(r.URL); err != nil {
		return nil, err
	}
	answer, err := d.http.Do(ctx, r)
	if err != nil && answer != nil {
		return nil, channel.NewError(channel.Retry, reasonDocumentFailed, fmt.Sprintf("%s of a feed document: %d %s", r.Method, answer.Status, http.StatusText(answer.Status)))
	}
	return answer, err
}

// check refuses a URL that the Channel does not allow.
func (d *documents) check(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return channel.NewError(channel.Terminal, reasonForeignDocument, "Amazon answers with a URL of a feed document that is not valid")
	}
	for _, o := range d.allowed {
		if o.holds(u) {
			return nil
		}
	}
	return channel.NewError(channel.Terminal, reasonForeignDocument, fmt.Sprintf(
		"Amazon keeps feed documents at %s://%s, which spec.amazon.documentOrigins does not allow", u.Scheme, u.Host))
}

// unzip returns a document's content. Amazon compresses reports of some feeds.
func unzip(content []byte) ([]byte, error) {
	if !bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		return content, nil
	}
	bad := channel.NewError(channel.Retry, reasonInvalidReport, "the processing report cannot be decompressed")
	reader, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, bad
	}
	out, err := io.ReadAll(io.LimitReader(reader, maxReport+1))
	switch {
	case err != nil:
		return nil, bad
	case len(out) > maxReport:
		return nil, channel.NewError(channel.Retry, reasonInvalidReport, fmt.Sprintf("the processing report is longer than %d bytes", maxReport))
	}
	return out, nil
}
