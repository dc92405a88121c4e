package amazon

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyman.dev/tallyman/controllers/channel"
)

// answered returns what an answer to batchInventory says of keys A, B and C at L.
func answered(client *channel.HTTPClient, body string) ([]*inventoryAnswer, error) {
	answers, err := readInventory(client, &channel.Response{Status: 207, Body: []byte(body)})
	if err != nil {
		return nil, err
	}
	return answers.of([]inventoryKey{{"L", "A"}, {"L", "B"}, {"L", "C"}}), nil
}

const ok = `{"status":{"statusCode":200},"body":{}}`

func named(sku, rest string) string {
	return `{"status":{"statusCode":200},"body":{"locationId":"L","skuId":"` + sku + `"` + rest + `}}`
}

func status(code, rest string) string {
	return `{"status":{"statusCode":` + code + `,"reasonPhrase":"Why"},"body":{"locationId":"L","skuId":"B"` + rest + `}}`
}

func TestInventoryAnswers(t *testing.T) {
	t.Parallel()
	type failures map[string]string
	const missing = "Unconfirmed NotConfirmed"
	cases := map[string]struct {
		responses string
		want      failures
		wantError string
	}{
		"in order, without names":   {responses: ok + `,` + ok + `,` + ok},
		"in another order":          {responses: named("C", "") + `,` + status("400", "") + `,` + named("A", ""), want: failures{"B": "Rejected InvalidInventory"}},
		"one is missing":            {responses: named("A", "") + `,` + named("C", ""), want: failures{"B": missing}},
		"one is missing, no names":  {responses: ok + `,` + ok, want: failures{"A": missing, "B": missing, "C": missing}},
		"of another SKU":            {responses: named("A", "") + `,` + named("X", "") + `,` + named("C", ""), want: failures{"B": missing}},
		"one without a name":        {responses: named("A", "") + `,` + ok + `,` + named("C", "")},
		"more than asked for":       {responses: named("A", "") + `,` + named("B", "") + `,` + named("C", "") + `,` + named("D", "")},
		"twice, and then failed":    {responses: named("A", "") + `,` + named("B", "") + `,` + named("C", "") + `,` + status("400", "")},
		"none":                      {responses: ``, wantError: "Retry InvalidAnswer"},
		"throttled":                 {responses: named("A", "") + `,` + status("429", "") + `,` + named("C", ""), want: failures{"B": "Throttled Throttled"}},
		"broken":                    {responses: named("A", "") + `,` + status("503", "") + `,` + named("C", ""), want: failures{"B": "Retry Status503"}},
		"forbidden":                 {responses: named("A", "") + `,` + status("403", "") + `,` + named("C", ""), want: failures{"B": missing}},
		"no status":                 {responses: named("A", "") + `,{"body":{"locationId":"L","skuId":"B"}},` + named("C", ""), want: failures{"B": missing}},
		"not found":                 {responses: named("A", "") + `,` + status("404", "") + `,` + named("C", ""), want: failures{"B": "Unmapped UnknownSKU"}},
		"no such SKU":               {responses: named("A", "") + `,` + status("400", `,"actionableErrors":[{"errorType":"INVALID_SKU","errorSubType":"no such SKU"}]`) + `,` + named("C", ""), want: failures{"B": "Unmapped UnknownSKU"}},
		"no such SKU, as a subtype": {responses: named("A", "") + `,` + status("400", `,"actionableErrors":[{"errorType":"PRODUCT_VALIDATION_FAILURE","errorSubType":"INVALID_SKU"}]`) + `,` + named("C", ""), want: failures{"B": "Unmapped UnknownSKU"}},
		"no such location":          {responses: named("A", "") + `,` + status("400", `,"actionableErrors":[{"errorType":"INVALID_LOCATION"}]`) + `,` + named("C", ""), want: failures{"B": "Unmapped UnknownLocation"}},
		"an error in a success":     {responses: named("A", "") + `,` + status("200", `,"actionableErrors":[{"errorType":"MISSING_WEIGHT"}]`) + `,` + named("C", ""), want: failures{"B": "Rejected InvalidInventory"}},
		"a higher number":           {responses: named("A", "") + `,` + named("B", `,"clientSequenceNumber":101`) + `,` + named("C", `,"clientSequenceNumber":100`), want: failures{"B": "Retry StaleSequence"}},
		"a refusal, higher number":  {responses: named("A", "") + `,` + status("409", `,"clientSequenceNumber":101`) + `,` + named("C", ""), want: failures{"B": "Retry StaleSequence"}},
	}
	client := newHTTP(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &external{prober: prober{api: &api{http: client}}}
			answers, err := answered(client, `{"responses":[`+tc.responses+`]}`)
			if err != nil || tc.wantError != "" {
				if err == nil || errorOf(err) != tc.wantError {
					t.Errorf("error %v, want %s", err, tc.wantError)
				}
				return
			}
			got := failures{}
			for i, a := range answers {
				if failure := c.updateError(a, 100); failure != nil {
					got[string("ABC"[i])] = errorOf(failure)
				}
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

func TestInventoryQuantities(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body string
		want int64
		fail string
	}{
		"reserved counts":       {`,"sellableQuantity":15,"reservedQuantity":5`, 20, ""},
		"nothing reserved":      {`,"sellableQuantity":15`, 15, ""},
		"negative":              {`,"sellableQuantity":-2,"reservedQuantity":0`, -2, ""},
		"fractional":            {`,"sellableQuantity":1.5`, 2, ""},
		"fractionally reserved": {`,"sellableQuantity":1,"reservedQuantity":0.5`, 2, ""},
		"none":                  {``, 0, "Retry InvalidAnswer"},
		"with an error":         {`,"sellableQuantity":0,"actionableErrors":[{"errorType":"MISSING_WEIGHT"}]`, 0, ""},
		"an error alone":        {`,"actionableErrors":[{"errorType":"INVALID_SKU"}]`, 0, "Unmapped UnknownSKU"},
	}
	client := newHTTP(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers, err := answered(client, `{"responses":[`+named("A", tc.body)+`]}`)
			if err != nil {
				t.Fatal(err)
			}
			got, failure := answers[0].quantity(client)
			fail := ""
			if failure != nil {
				fail = errorOf(failure)
			}
			if got != tc.want || fail != tc.fail {
				t.Errorf("%d, %s, want %d, %s", got, fail, tc.want, tc.fail)
			}
		})
	}
}

func TestSequenceIsBounded(t *testing.T) {
	t.Parallel()
	s := sequence{clock: newClock()}
	s.pass(1<<63 - 1)
	if a, b := s.next(), s.next(); a <= maxSequence || b <= a {
		t.Errorf("numbers %d, %d", a, b)
	}
}
