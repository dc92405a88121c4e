package shopifytest

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// arguments decodes the arguments of a field. Those that the call does not have stay as they are.
func arguments(f *ast.Field, variables map[string]any, into any) error {
	raw, err := json.Marshal(f.ArgumentMap(variables))
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// find returns the field of that name in a selection; nil if it is not selected.
func find(selections ast.SelectionSet, name string) *ast.Field {
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.InlineFragment:
			if f := find(s.SelectionSet, name); f != nil {
				return f
			}
		case *ast.Field:
			if s.Name == name {
				return s
			}
		}
	}
	return nil
}

// project leaves of a value what was selected: a field that the connector forgets to select must not reach
// it. Objects that fragments are for hold their type as __typename.
func project(selections ast.SelectionSet, value json.RawMessage) (json.RawMessage, error) {
	value = bytes.TrimSpace(value)
	if len(selections) == 0 || bytes.Equal(value, []byte("null")) {
		return value, nil
	}
	if value[0] == '[' {
		return projectAll(selections, value)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(value, &object); err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	if err := fields(selections, object, out); err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

func projectAll(selections ast.SelectionSet, value json.RawMessage) (json.RawMessage, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, err
	}
	for i := range list {
		var err error
		if list[i], err = project(selections, list[i]); err != nil {
			return nil, err
		}
	}
	return json.Marshal(list)
}

func fields(selections ast.SelectionSet, object, out map[string]json.RawMessage) error {
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.InlineFragment:
			if string(object["__typename"]) != `"`+s.TypeCondition+`"` {
				continue
			}
			if err := fields(s.SelectionSet, object, out); err != nil {
				return err
			}
		case *ast.Field:
			value, ok := object[s.Name]
			if !ok {
				return fmt.Errorf("this shop does not know the field %s", s.Name)
			}
			var err error
			if out[s.Alias], err = project(s.SelectionSet, value); err != nil {
				return err
			}
		}
	}
	return nil
}
