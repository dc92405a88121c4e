package amazon

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func newHTTP(tb testing.TB) *channel.HTTPClient {
	tb.Helper()
	client, err := channel.NewHTTPClient(channel.Config{Channel: &inventoryv1alpha1.Channel{}, Clock: clock.RealClock{}})
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// three listings with SKUs A, B and C, of one item each.
func three() []*listing {
	var all []*listing
	for i, sku := range []string{"A", "B", "C"} {
		all = append(all, &listing{sku: sku, items: []int{i}, quantities: []channelQuantity{{"DEFAULT", 5}}})
	}
	return all
}

func summary(accepted int) string {
	return `"summary":{"errors":0,"warnings":0,"messagesProcessed":3,"messagesInvalid":0,"messagesAccepted":` + strconv.Itoa(accepted) + `}`
}

func TestReport(t *testing.T) {
	t.Parallel()
	type failures map[int]string
	const invalid, missing = "Rejected InvalidListing", "Unconfirmed NotConfirmed"
	cases := map[string]struct {
		content   string
		want      failures
		wantError string
	}{
		"all":                         {content: `{"issues":[],` + summary(3) + `}`},
		"one is invalid":              {content: `{"issues":[{"messageId":2,"severity":"ERROR","message":"no"}],` + summary(2) + `}`, want: failures{1: invalid}},
		"warnings and information":    {content: `{"issues":[{"messageId":2,"severity":"WARNING","message":"hm"},{"messageId":1,"severity":"INFO","message":"ah"}],` + summary(3) + `}`},
		"by SKU":                      {content: `{"issues":[{"sku":"C","severity":"ERROR","message":"no"}],` + summary(2) + `}`, want: failures{2: invalid}},
		"by SKU, ID out of range":     {content: `{"issues":[{"messageId":9,"sku":"C","severity":"ERROR","message":"no"}],` + summary(2) + `}`, want: failures{2: invalid}},
		"two issues of one":           {content: `{"issues":[{"messageId":1,"severity":"ERROR","message":"no"},{"messageId":1,"severity":"ERROR","message":"never"}],` + summary(2) + `}`, want: failures{0: invalid}},
		"all are invalid":             {content: `{"issues":[{"messageId":1,"severity":"ERROR","message":"no"},{"messageId":2,"severity":"ERROR","message":"no"},{"messageId":3,"severity":"ERROR","message":"no"}],` + summary(0) + `}`, want: failures{0: invalid, 1: invalid, 2: invalid}},
		"too few, no issues":          {content: `{"issues":[],` + summary(2) + `}`, want: failures{0: missing, 1: missing, 2: missing}},
		"too few beside the invalid":  {content: `{"issues":[{"messageId":2,"severity":"ERROR","message":"no"}],` + summary(1) + `}`, want: failures{0: missing, 1: invalid, 2: missing}},
		"the feed":                    {content: `{"issues":[{"code":"4002001","severity":"ERROR","message":"Item 'Feed' cannot be parsed."}],` + summary(0) + `}`, wantError: "Retry FeedRefused"},
		"the feed, beside a listing":  {content: `{"issues":[{"severity":"ERROR","message":"no"},{"messageId":1,"severity":"ERROR","message":"no"}],` + summary(0) + `}`, want: failures{0: invalid, 1: missing, 2: missing}},
		"the feed, yet all accepted":  {content: `{"issues":[{"severity":"ERROR","message":"no"}],` + summary(3) + `}`},
		"no summary":                  {content: `{"issues":[]}`, wantError: "Retry InvalidReport"},
		"cut":                         {content: `{"issues":[`, wantError: "Retry InvalidReport"},
		"of another shape":            {content: `{"issues":{},` + summary(3) + `}`, wantError: "Retry InvalidReport"},
		"empty":                       {content: ``, wantError: "Retry InvalidReport"},
		"a page of the storage":       {content: `<Error/>`, wantError: "Retry InvalidReport"},
		"null":                        {content: `null`, wantError: "Retry InvalidReport"},
		"a number where text belongs": {content: `{"issues":[{"messageId":"2","severity":"ERROR","message":"no"}],` + summary(2) + `}`, wantError: "Retry InvalidReport"},
	}
	client := newHTTP(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tally := newOutcomes(map[int]*channel.Error{})
			r, err := readReport(client, []byte(tc.content))
			if err == nil {
				err = r.settle(client, three(), tally)
			}
			if err != nil || tc.wantError != "" {
				if err == nil || errorOf(err) != tc.wantError {
					t.Errorf("error %v, want %s", err, tc.wantError)
				}
				return
			}
			got := failures{}
			for i, failure := range tally.failures {
				got[i] = errorOf(failure)
			}
			if tc.want == nil {
				tc.want = failures{}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
		})
	}
}
