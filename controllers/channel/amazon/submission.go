package amazon

import (
	"cmp"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

// severityError marks issues that keep a submission from being processed.
const severityError = "ERROR"

// submission is the answer to a patch.
type submission struct {
	Status string  `json:"status"`
	Issues []issue `json:"issues"`
}

// issue is what Amazon finds wrong with a listing.
type issue struct {
	Code           string   `json:"code"`
	Message        string   `json:"message"`
	Severity       string   `json:"severity"`
	AttributeNames []string `json:"attributeNames"`
}

func (i issue) String() string {
	text := i.Message
	if i.Code != "" {
		text = i.Code + ": " + text
	}
	if len(i.AttributeNames) > 0 {
		text += " (" + strings.Join(i.AttributeNames, ", ") + ")"
	}
	return text
}

// readSubmission reads what became of a patch: status 200 alone says only that Amazon has understood it.
func readSubmission(client *channel.HTTPClient, answer *channel.Response) (*channel.Error, error) {
	var s submission
	if err := client.Decode(answer, &s); err != nil {
		return nil, err
	}
	switch s.Status {
	case "ACCEPTED":
		return nil, nil //nolint:nilnil // no refusal is no error
	case "INVALID":
		return invalid(client, s.Issues), nil
	case "":
		return nil, channel.InvalidAnswer("the answer to a patch has no status")
	}
	return channel.NotConfirmed(client.Redact("the patch has status " + s.Status)), nil
}

// invalid is the refusal of a listing, with the issues that caused it, or all if none did.
func invalid(client *channel.HTTPClient, issues []issue) *channel.Error {
	var errs, all []string
	for _, i := range issues {
		all = append(all, i.String())
		if i.Severity == severityError {
			errs = append(errs, i.String())
		}
	}
	text := cmp.Or(strings.Join(errs, "; "), strings.Join(all, "; "), "the patch is invalid, and Amazon does not say why")
	return channel.NewError(channel.Rejected, reasonInvalidListing, client.Redact(text))
}
