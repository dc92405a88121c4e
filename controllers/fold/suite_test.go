package fold_test

import (
	"os"
	"testing"

	"tallyman.dev/tallyman/hack/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &env)) }
