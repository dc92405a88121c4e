package amazon

import "testing"

func TestSubmission(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ body, want string }{
		"accepted":              {`{"status":"ACCEPTED"}`, "confirmed"},
		"accepted with warning": {`{"status":"ACCEPTED","issues":[{"code":"1","message":"hm","severity":"WARNING"}]}`, "confirmed"},
		"invalid":               {`{"status":"INVALID","issues":[{"message":"hm","severity":"WARNING"},{"code":"8","message":"no","severity":"ERROR","attributeNames":["a","b"]},{"message":"never","severity":"ERROR"}]}`, "Rejected InvalidListing: 8: no (a, b); never"},
		"invalid, no error":     {`{"status":"INVALID","issues":[{"message":"hm","severity":"WARNING"}]}`, "Rejected InvalidListing: hm"},
		"invalid without why":   {`{"status":"INVALID"}`, "Rejected InvalidListing: the patch is invalid, and Amazon does not say why"},
		"validated only":        {`{"status":"VALID"}`, "Unconfirmed NotConfirmed: the patch has status VALID"},
		"no status":             {`{"sku":"A"}`, "Retry InvalidAnswer"},
		"null":                  {`null`, "Retry InvalidAnswer"},
		"cut":                   {`{"status":"ACC`, "Retry InvalidAnswer"},
		"empty":                 {``, "Retry InvalidAnswer"},
	}
	client := newHTTP(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refusal, err := readSubmission(client, answer([]byte(tc.body)))
			got := "confirmed"
			switch {
			case err != nil:
				got = errorOf(err)
			case refusal != nil:
				got = errorOf(refusal) + ": " + refusal.Message
			}
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
