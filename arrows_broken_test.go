package main

import (
	"fmt"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBrokenArrows breaks one arrow after the other.
func TestBrokenArrows(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		of, knows string
		broken    bool
	}{
		{of: "controllers/exposure", knows: "api/v1alpha1"},
		{of: "api/v1alpha1", knows: "controllers/exposure", broken: true},
		{of: "controllers/exposure", knows: "controllers/ledger", broken: true},
		{of: "controllers/ledger", knows: "controllers/channelsync", broken: true},
		{of: "controllers/ledger", knows: "controllers/fold", broken: true},
		{of: "controllers/ledger", knows: "controllers/syncstate", broken: true},
		{of: "controllers/syncstate", knows: "controllers/ledger"},
		{of: "controllers/syncstate", knows: "controllers/fold", broken: true},
		{of: "controllers/fold", knows: "controllers/syncstate"},
		{of: "controllers/fold", knows: "controllers/channelsync", broken: true},
		{of: "controllers/channelsync", knows: "controllers/syncstate"},
		{of: "controllers/channelsync", knows: "controllers/fold", broken: true},
		{of: "controllers/channelsync", knows: "controllers", broken: true},
		{of: "controllers/channelsync", knows: "controllers/channel/shopify", broken: true},
		{of: "controllers", knows: "controllers/fold"},
		{of: "controllers", knows: "controllers/channel/shopify", broken: true},
		{of: "controllers", knows: "webhook", broken: true},
		{of: "controllers/channel", knows: "controllers/channelsync", broken: true},
		{of: "controllers/channel/shopify", knows: "controllers/channel/graphql"},
		{of: "controllers/channel/shopify", knows: "controllers/channel/amazon", broken: true},
		{of: "controllers/channel/shopify", knows: "controllers/ledger", broken: true},
		{of: "controllers/channel/shopify", knows: "controllers/channel/contract", broken: true},
		{of: "controllers/channel/ebay/ebaytest", knows: "controllers/channel/contract"},
		{of: "controllers/channel/ebay/ebaytest", knows: "controllers/channel/ebay", broken: true},
		{of: "webhook", knows: "controllers/syncstate"},
		{of: "webhook", knows: "controllers/channel/credentials"},
		{of: "webhook", knows: "controllers/channel", broken: true},
		{of: "controllers/channel/credentials", knows: "api/v1alpha1", broken: true},
		{of: "webhook", knows: "controllers/channelsync", broken: true},
		{of: "webhook", knows: "controllers", broken: true},
		{of: "webhook", knows: "controllers/channel/shopify", broken: true},
		{of: "webhook/commit", knows: "controllers/ledger", broken: true},
		{of: "webhook", knows: testEnv, broken: true},
		{of: ".", knows: "controllers/channel/shopify"},
		{of: "hack/bench", knows: "webhook"},
	} {
		t.Run(tc.of+" knows "+tc.knows, func(t *testing.T) {
			t.Parallel()
			p := listedPackage{ImportPath: path.Join(module, tc.of), Imports: []string{"fmt", path.Join(module, tc.knows)}}
			var want []string
			if tc.broken {
				want = []string{fmt.Sprintf("%s knows %s", tc.of, tc.knows)}
			}
			if diff := cmp.Diff(want, brokenArrows([]listedPackage{p})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestBrokenArrowsOfTests has tests that need the control plane, at once or by what they import.
func TestBrokenArrowsOfTests(t *testing.T) {
	t.Parallel()
	helper := listedPackage{ImportPath: module + "/hack/fixture", Imports: []string{module + "/" + testEnv}}
	for name, tc := range map[string]struct {
		of, test string
		external bool
		want     []string
	}{
		"pure":               {of: "controllers/exposure", test: "api/v1alpha1"},
		"at once":            {of: "controllers/exposure", test: testEnv, want: []string{"controllers/exposure is tested with " + testEnv}},
		"from outside":       {of: "controllers/syncstate", test: testEnv, external: true, want: []string{"controllers/syncstate is tested with " + testEnv}},
		"by a helper":        {of: "controllers/channel/kit", test: "hack/fixture", want: []string{"controllers/channel/kit is tested with " + testEnv}},
		"where it is needed": {of: "controllers", test: testEnv},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := listedPackage{ImportPath: module + "/" + tc.of}
			if tests := []string{"testing", module + "/" + tc.test}; tc.external {
				p.XTestImports = tests
			} else {
				p.TestImports = tests
			}
			if diff := cmp.Diff(tc.want, brokenArrows([]listedPackage{p, helper})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPackagesNeedARule(t *testing.T) {
	t.Parallel()
	got := brokenArrows([]listedPackage{{ImportPath: module + "/controllers/new"}, {ImportPath: module + "/new"}})
	if diff := cmp.Diff([]string{"controllers/new has no rule", "new has no rule"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
