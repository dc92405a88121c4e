package resolve

// Portions divides names into look-ups of at most as many names, whose costs, such as their lengths in an address,
// are at most a limit together. A name that costs as much as that, or more, is looked up alone.
func Portions(names []string, most, limit int, cost func(name string) int) [][]string {
	var out [][]string
	spent := 0
	for _, name := range names {
		c := cost(name)
		if last := len(out) - 1; last < 0 || len(out[last]) == most || spent+c > limit {
			out, spent = append(out, nil), 0
		}
		out[len(out)-1] = append(out[len(out)-1], name)
		spent += c
	}
	return out
}
