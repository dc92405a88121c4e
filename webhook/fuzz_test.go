package webhook

import (
	"testing"
	"unicode/utf8"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

func FuzzDecodeObject(f *testing.F) {
	for _, seed := range []string{
		specObject, `{"locationCode":"x","products":[{"channelskuCode":"A","quantity":"40"},{},null,7]}`,
		object(`{"channelSkuCode":"A","quantity":1e2},{"channelSkuCode":"","quantity":-1},{"channelSkuCode":"B","quantity":2147483648}`),
		`{"locationCode":null}`, `{`, ``, `/* x */ {"products":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(checkDecode)
}

func FuzzDecodeArray(f *testing.F) {
	for _, seed := range []string{
		specArray, `[{"clientId":"1","clientSkuId":"A","quantity":"0x10","fulfillmentLocationId":1e3,"inventoryPoolId":null}]`,
		`[{"clientId":-1,"clientSkuId":7,"quantity":[],"fulfillmentLocationId":9007199254740993},]`, `[]`, `[`, `[[]]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(checkDecode)
}

// checkDecode holds for every input: what is accepted is within the rules, what is not says why.
func checkDecode(t *testing.T, body []byte) {
	p, refused := decodeAbsolute(body, DefaultMaxBatchSKUs)
	if refused != nil {
		if refused.Code == "" || refused.Description == "" || refused.status < 400 {
			t.Errorf("refused without a reason: %+v", refused)
		}
		return
	}
	if len(p.lines) == 0 || len(p.lines) > DefaultMaxBatchSKUs {
		t.Errorf("%d lines", len(p.lines))
	}
	for _, l := range p.lines {
		if l.problem != nil {
			if l.problem.Code == "" || l.problem.Message == "" {
				t.Errorf("failed without a reason: %+v", l)
			}
			continue
		}
		if n := utf8.RuneCountInString(l.sku); n < 1 || n > inventoryv1alpha1.MaxSKULength || l.quantity < 0 || l.pool < 0 {
			t.Errorf("accepted against the rules: %+v", l)
		}
		if p.array && (l.clientID < 1 || l.locationID < 1) {
			t.Errorf("accepted without a location: %+v", l)
		}
	}
}

func BenchmarkDecodeValidate300(b *testing.B) {
	for name, body := range map[string]string{
		"object": object(repeat(300, `{"channelSkuCode":"SKU-%010d","quantity":40}`)),
		"array":  "[" + repeat(300, `{"clientId":10000900,"clientSkuId":"SKU-%010d","inventoryPoolId":0,"quantity":10,"fulfillmentLocationId":1000901}`) + "]",
	} {
		b.Run(name, func(b *testing.B) {
			raw := []byte(body)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, refused := decodeAbsolute(raw, DefaultMaxBatchSKUs); refused != nil {
					b.Fatal(refused)
				}
			}
		})
	}
}
