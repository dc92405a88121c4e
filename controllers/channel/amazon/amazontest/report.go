package amazontest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
)

// feedDocument is the content of a feed.
type feedDocument struct {
	Header struct {
		SellerID string `json:"sellerId"`
		Version  string `json:"version"`
		Report   *struct {
			IncludedData []string `json:"includedData"`
		} `json:"report"`
	} `json:"header"`
	Messages []struct {
		MessageID int    `json:"messageId"`
		SKU       string `json:"sku"`
		patchBody
	} `json:"messages"`
}

// report is the result of a feed.
type report struct {
	Header  map[string]string `json:"header"`
	Issues  []reportIssue     `json:"issues"`
	Summary map[string]int    `json:"summary"`
	Items   []shown           `json:"items,omitempty"`
}

type reportIssue struct {
	MessageID int    `json:"messageId,omitempty"`
	SKU       string `json:"sku,omitempty"`
	Code      string `json:"code"`
	Severity  string `json:"severity"`
	Message   string `json:"message"`
	Attribute string `json:"attributeName,omitempty"`
}

// end finishes a feed. The lock must be held.
func (s *Server) end(f *Feed) {
	f.Status = s.feeds.end
	if f.Status != "DONE" {
		return
	}
	content, err := json.Marshal(s.apply(f))
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	if s.feeds.zip {
		var zipped bytes.Buffer
		writer := gzip.NewWriter(&zipped)
		_, _ = writer.Write(content) // a buffer takes everything
		_ = writer.Close()
		content = zipped.Bytes()
	}
	f.report = fmt.Sprintf("document-%06d", len(s.feeds.documents)+1)
	s.feeds.documents[f.report] = &document{content: content, uploaded: true}
}

// apply carries the messages of a feed out. The lock must be held.
func (s *Server) apply(f *Feed) report {
	var doc feedDocument
	out := report{Issues: []reportIssue{}, Summary: map[string]int{
		"errors": 0, "warnings": 0, "messagesProcessed": 0, "messagesAccepted": 0, "messagesInvalid": 0,
	}}
	err := json.Unmarshal(f.Document, &doc)
	out.Header = map[string]string{"sellerId": doc.Header.SellerID, "version": "2.0", "feedId": f.ID}
	if err != nil {
		out.Issues = append(out.Issues, reportIssue{Code: "4002001", Severity: "ERROR", Message: "Item 'Feed' cannot be parsed."})
		out.Summary["errors"]++
		return out
	}
	for _, m := range doc.Messages {
		out.Summary["messagesProcessed"]++
		if wrong := s.patch(m.SKU, m.patchBody); wrong != nil {
			out.Issues = append(out.Issues, reportIssue{m.MessageID, m.SKU, wrong.Code, wrong.Severity, wrong.Message, wrong.AttributeNames[0]})
			out.Summary["errors"]++
			out.Summary["messagesInvalid"]++
			continue
		}
		out.Summary["messagesAccepted"]++
		if found := s.named(m.SKU); doc.Header.Report != nil && len(found) > 0 {
			out.Items = append(out.Items, found[0].show(f.Marketplaces[0]))
		}
	}
	return out
}
