package shopifytest

import (
	"strings"
	"unicode"
)

// search returns what tells whether a SKU matches a search. Of Shopify's syntax it knows sku:"…" and OR; like
// Shopify, it looks for words, without regard to case, and ignores a search that it does not understand, which
// matches everything then.
func search(query string) func(sku string) bool {
	terms, ok := parseSearch(query)
	return func(sku string) bool {
		for _, term := range terms {
			if resembles(sku, term) {
				return true
			}
		}
		return !ok
	}
}

func parseSearch(query string) (terms []string, ok bool) {
	for {
		rest, found := strings.CutPrefix(query, `sku:"`)
		if !found {
			return nil, false
		}
		var term strings.Builder
		closed := false
		for i := 0; i < len(rest); i++ {
			if rest[i] == '"' {
				query, closed = rest[i+1:], true
				break
			}
			if rest[i] == '\\' && i+1 < len(rest) {
				i++
			}
			term.WriteByte(rest[i])
		}
		if !closed {
			return nil, false
		}
		terms = append(terms, term.String())
		if query == "" {
			return terms, true
		}
		if query, found = strings.CutPrefix(query, " OR "); !found {
			return nil, false
		}
	}
}

// resembles reports whether the words of a term are among those of a SKU.
func resembles(sku, term string) bool {
	return strings.EqualFold(sku, term) || words(term) != "  " && strings.Contains(words(sku), words(term))
}

func words(text string) string {
	split := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return " " + strings.Join(split, " ") + " "
}
