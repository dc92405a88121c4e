package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	. "github.com/onsi/gomega"

	"tallyman.dev/tallyman/hack/testenv"
)

// shownCall matches a call of the ingress that a page shows, with the answer where it shows that too.
var shownCall = regexp.MustCompile("```sh\ncurl -X ([A-Z]+) http://127\\.0\\.0\\.1:8080(\\S+) [^`]*-d '([^']+)'[^`]*```\n(?:\n```json\n([^`]+)```)?")

// TestTheTourOfTheReadme makes the calls of the README's tour in their order: the answers must be those that it shows.
func TestTheTourOfTheReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(testenv.Root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := newHarness(t)
	p := s.start()
	s.Eventually(s.leads, eventual, poll).Should(BeTrue())
	var calls, answers []string
	for _, call := range shownCall.FindAllStringSubmatch(string(readme), -1) {
		method, path, body, answer := call[1], call[2], call[3], call[4]
		calls = append(calls, method+" "+path)
		if answer == "" {
			p.call(method, path, body)
			continue
		}
		answers = append(answers, answer)
		s.Eventually(func() string { return p.call(method, path, body) }, eventual, poll).
			Should(MatchJSON(answer), "%s %s, once the channels were told", method, path)
	}
	s.Expect(calls).To(Equal([]string{"PUT /usp/inventories/absolute", "PUT /usp/inventories/absolute", "POST /inventories"}))
	s.Expect(answers).To(HaveLen(2))
}
