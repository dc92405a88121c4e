package v1alpha1

import (
	"unicode/utf8"
)

// MaxBatchBytes bounds an InventoryBatch, in bytes of the JSON that is stored. etcd takes requests of 1.5 MiB;
// the third that is left is for what admission webhooks, managed fields and etcd itself add.
const MaxBatchBytes = 1 << 20

// What the parts of an InventoryBatch take as JSON beside their values, each with the comma after it.
const (
	stockFrame    = len(`{"locationName":"","locationUID":"","quantities":{}},`)
	poolFrame     = len(`"poolId":,`)  // where it is not 0
	indexFrame    = len(`"request":,`) // likewise
	quantityFrame = len(`"":,`)
	requestFrame  = len(`{"id":"","skuCount":},`)
	ofSenderFrame = len(`"sender":,`)   // where it is not 0
	digestFrame   = len(`"digest":"",`) // where there is one
	senderFrame   = len(`{"client":"","credential":""},`)

	// batchFrame is an object without requests and stock, as the API server stores it: its metadata beside name
	// and namespace, the managed fields of one manager, and counts of at most four digits.
	batchFrame = 700
)

// Bytes returns how many bytes a batch takes as the JSON that is stored. It is exact for quantities and never too
// low, but for labels, annotations and whatever else others add to the metadata.
func (b *InventoryBatch) Bytes() int {
	n := batchFrame + len(b.Name) + len(b.GenerateName) + len(b.Namespace)
	for i := range b.Senders {
		n += b.Senders[i].Bytes()
	}
	for i := range b.Requests {
		n += b.Requests[i].Bytes()
	}
	for i := range b.Stock {
		n += b.Stock[i].Bytes()
	}
	return n
}

// Bytes returns how many bytes a sender takes of its batch.
func (s *BatchSender) Bytes() int {
	return senderFrame + escapedBytes(s.Client) + escapedBytes(s.Credential)
}

// Bytes returns how many bytes a request takes of its batch, without its stock.
func (r *BatchRequest) Bytes() int {
	n := requestFrame + escapedBytes(r.ID) + unlessZero(ofSenderFrame, int64(r.Sender)) + digits(int64(r.SKUCount))
	if r.Digest != "" {
		n += digestFrame + escapedBytes(r.Digest)
	}
	return n
}

// Bytes returns how many bytes an entry of stock takes of its batch.
func (s *LocationStock) Bytes() int {
	n := stockFrame + escapedBytes(s.LocationName) + escapedBytes(string(s.LocationUID)) +
		unlessZero(poolFrame, s.PoolID) + unlessZero(indexFrame, int64(s.Request))
	for sku, q := range s.Quantities {
		n += q.BytesOf(sku)
	}
	return n
}

// BytesOf returns how many bytes the quantity of a SKU takes of its batch.
func (q Quantity) BytesOf(sku string) int {
	return quantityFrame + escapedBytes(sku) + digits(int64(q))
}

// unlessZero returns how many bytes a field takes that is left out where it is 0.
func unlessZero(frame int, n int64) int {
	if n == 0 {
		return 0
	}
	return frame + digits(n)
}

// digits returns how many characters a number takes.
func digits(n int64) int {
	count := 1
	if n < 0 {
		count++
	}
	for n /= 10; n != 0; n /= 10 {
		count++
	}
	return count
}

// longEscape is the length of \u0026, shortEscape that of \n.
const (
	longEscape  = 6
	shortEscape = 2
)

// escapes are the bytes that encoding/json makes of each ASCII character of a string. Clients and the API
// server escape what HTML would interpret, too.
var escapes = func() (table [utf8.RuneSelf]uint8) {
	for c := range table {
		table[c] = 1
		if c < ' ' {
			table[c] = longEscape
		}
	}
	for _, c := range "&<>" {
		table[c] = longEscape
	}
	for _, c := range "\"\\\b\f\n\r\t" {
		table[c] = shortEscape
	}
	return table
}()

// escapedBytes returns how many bytes a text takes in a JSON string, without the quotes.
func escapedBytes(text string) int {
	n := 0
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			n += int(escapes[c])
			i++
			continue
		}
		r, width := utf8.DecodeRuneInString(text[i:])
		i += width
		switch {
		case r == '\u2028', r == '\u2029', width == 1: // JavaScript's ends of lines; what is no UTF-8
			n += longEscape
		default:
			n += width
		}
	}
	return n
}
