package amazon

import (
	"encoding/json"

	"tallyman.dev/tallyman/controllers/channel"
)

// report is what Amazon says of the messages of a feed.
type report struct {
	Issues  []reportIssue  `json:"issues"`
	Summary *reportSummary `json:"summary"`
	Items   []item         `json:"items"`
}

// reportIssue is what Amazon finds wrong with a message, or with the feed where it names none.
type reportIssue struct {
	MessageID     int    `json:"messageId"`
	SKU           string `json:"sku"`
	Code          string `json:"code"`
	Severity      string `json:"severity"`
	Message       string `json:"message"`
	AttributeName string `json:"attributeName"`
}

func (i reportIssue) issue() issue {
	out := issue{Code: i.Code, Message: i.Message, Severity: i.Severity}
	if i.AttributeName != "" {
		out.AttributeNames = []string{i.AttributeName}
	}
	return out
}

// reportSummary counts messages.
type reportSummary struct {
	Accepted int `json:"messagesAccepted"`
}

func readReport(client *channel.HTTPClient, content []byte) (report, error) {
	var r report
	if err := json.Unmarshal(content, &r); err != nil {
		return report{}, channel.NewError(channel.Retry, reasonInvalidReport, "the processing report is not the JSON that is expected: "+client.Redact(err.Error()))
	}
	if r.Summary == nil {
		return report{}, channel.NewError(channel.Retry, reasonInvalidReport, "the processing report has no summary")
	}
	return r, nil
}

// settle notes what the report says of the listings of a feed. Its error means that the feed was refused as a whole.
func (r report) settle(client *channel.HTTPClient, all []*listing, t *outcomes) error {
	bySKU := make(map[string]int, len(all))
	for i, l := range all {
		bySKU[l.sku] = i
	}
	wrong := make(map[int][]issue, len(r.Issues))
	var ofFeed []issue
	for _, i := range r.Issues {
		if i.Severity != severityError {
			continue
		}
		index, known := i.MessageID-1, i.MessageID >= 1 && i.MessageID <= len(all)
		if !known {
			index, known = bySKU[i.SKU]
		}
		if !known {
			ofFeed = append(ofFeed, i.issue())
			continue
		}
		wrong[index] = append(wrong[index], i.issue())
	}
	if len(ofFeed) > 0 && r.Summary.Accepted == 0 && len(wrong) == 0 {
		return channel.NewError(channel.Retry, channel.ReasonFeedRefused, invalid(client, ofFeed).Message)
	}
	// A report that has accepted fewer messages than it finds nothing wrong with does not say which.
	short := r.Summary.Accepted < len(all)-len(wrong)
	for i, l := range all {
		switch {
		case wrong[i] != nil:
			t.settle(l, invalid(client, wrong[i]))
		case short:
			t.settle(l, channel.NotConfirmed("the processing report has accepted fewer messages than were sent, and does not say which"))
		default:
			t.settle(l, nil)
		}
	}
	return nil
}

// compare fails listings that the report does not show with the quantities that they were told.
func (r report) compare(all []*listing, t *outcomes) {
	shown := make(map[string]item, len(r.Items))
	for _, it := range r.Items {
		shown[it.SKU] = it
	}
	for _, l := range all {
		if t.failures[l.items[0]] == nil && !shown[l.sku].shows(l) {
			t.fail(l, notApplied())
		}
	}
}
