package vendure

import (
	"context"
	_ "embed"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
)

// The operations.
var (
	//go:embed operations/login.graphql
	loginMutation string
	//go:embed operations/probe.graphql
	probeQuery string
	//go:embed operations/probe_key.graphql
	probeKeyQuery string
	//go:embed operations/locations.graphql
	locationsQuery string
	//go:embed operations/variants.graphql
	variantsQuery string
	//go:embed operations/set.graphql
	setMutation string
)

// Codes of Vendure's errors.
const (
	codeUserInput       = "USER_INPUT_ERROR" // of Vendure's rules
	codeBadInput        = "BAD_USER_INPUT"   // of a variable that does not fit its type
	codeChannelNotFound = "CHANNEL_NOT_FOUND"
)

// classify says what errors mean for a call that changes stock. A variant that is not found was deleted
// since it was looked up a moment ago: the next push will not find it.
func classify(a *graphql.Answer) *channel.Error {
	switch {
	case a.Errors.With(codeUserInput) != nil, a.Errors.With(codeBadInput) != nil:
		return channel.NewError(channel.Rejected, reasonUserInputError, a.Errors.String())
	case a.Errors.With(codeChannelNotFound) != nil:
		return channel.NewError(channel.Terminal, reasonUnknownChannel, "spec.vendure.channelToken: "+a.Errors.String())
	}
	return graphql.Classify(a)
}

// ask makes a query.
func (c *connector) ask(ctx context.Context, query string, variables, data any) error {
	_, err := c.api.Call(ctx, graphql.Request{Query: query, Variables: variables}, data)
	return channel.BlameNoItem(err)
}

// activeChannel is the channel of the shop that a call was about.
type activeChannel struct {
	Channel struct {
		Token string `json:"token"`
	} `json:"activeChannel"`
}

// checkChannel wants the channel of the spec: for a token that it does not know, Vendure may take the
// default channel.
func (c *connector) checkChannel(active activeChannel) error {
	if want := c.spec.ChannelToken; want != "" && want != active.Channel.Token {
		return channel.NewError(channel.Terminal, reasonUnknownChannel, "spec.vendure.channelToken: the shop has no channel with this token")
	}
	return nil
}
