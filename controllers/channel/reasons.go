package channel

import "strconv"

// Reason says in one CamelCase word, of at most 64 characters, what went wrong: programs compare it, and people look
// it up on the page of the connector. Connectors have constants for those that only they give.
type Reason string

// Reasons of calls that were not answered, or not as expected.
const (
	// ReasonFailed is of anything that has no other reason.
	ReasonFailed Reason = "Failed"
	// ReasonCancelled is of a call that was given up.
	ReasonCancelled Reason = "Cancelled"
	// ReasonTimeout is of a call that was not answered in time: smaller ones may be.
	ReasonTimeout Reason = "Timeout"
	// ReasonConnectionFailed is of a call without a connection, or whose connection broke.
	ReasonConnectionFailed Reason = "ConnectionFailed"
	// ReasonRedirected is of an address that has moved to where the Channel does not point.
	ReasonRedirected Reason = "Redirected"
	// ReasonResponseTooLarge is of an answer beyond what is read of one.
	ReasonResponseTooLarge Reason = "ResponseTooLarge"
	// ReasonInvalidAnswer is of an answer that is not what the channel documents.
	ReasonInvalidAnswer Reason = "InvalidAnswer"
	// ReasonBlockedByHost is of a call that something in front of the channel's software refuses.
	ReasonBlockedByHost Reason = "BlockedByHost"
	// ReasonGraphQLError is of errors of GraphQL that say nothing else.
	ReasonGraphQLError Reason = "GraphQLError"
)

// Reasons of calls that the channel does not want now, or not from this Channel.
const (
	// ReasonThrottled is of calls that were too many.
	ReasonThrottled Reason = "Throttled"
	// ReasonUnauthorized is of credentials that the channel does not take.
	ReasonUnauthorized Reason = "Unauthorized"
	// ReasonAccessDenied is of credentials that lack a right.
	ReasonAccessDenied Reason = "AccessDenied"
	// ReasonTokenRefused is of credentials that get no token.
	ReasonTokenRefused Reason = "TokenRefused"
	// ReasonInvalidCredential is of a token, or headers, that the channel gives and nobody can use.
	ReasonInvalidCredential Reason = "InvalidCredential"
	// ReasonCredentialReplaced is of a call whose token was replaced meanwhile.
	ReasonCredentialReplaced Reason = "CredentialReplaced" //nolint:gosec // no credential
)

// Reasons of Channels that must be corrected.
const (
	ReasonInvalidSpec        Reason = "InvalidSpec"
	ReasonInvalidSKUMapping  Reason = "InvalidSKUMapping"
	ReasonInvalidCredentials Reason = "InvalidCredentials"
	ReasonInvalidHeader      Reason = "InvalidHeader"
	ReasonInvalidCertificate Reason = "InvalidCertificate"
	ReasonInvalidProxy       Reason = "InvalidProxy"
	ReasonInvalidURL         Reason = "InvalidURL"
	ReasonUnknownType        Reason = "UnknownType"
	// ReasonInvalidQuery is of a call that the channel's version does not understand.
	ReasonInvalidQuery Reason = "InvalidQuery"
	// ReasonInvalidBatch is of a caller that minds no Limits.
	ReasonInvalidBatch Reason = "InvalidBatch"
)

// Reasons of single items.
const (
	ReasonUnlistedSKU       Reason = "UnlistedSKU"
	ReasonUnknownSKU        Reason = "UnknownSKU"
	ReasonAmbiguousSKU      Reason = "AmbiguousSKU"
	ReasonUnknownLocation   Reason = "UnknownLocation"
	ReasonAmbiguousLocation Reason = "AmbiguousLocation"
	// ReasonNotTracked is of items that are sold whatever their quantity.
	ReasonNotTracked Reason = "NotTracked"
	// ReasonStockNotManaged is of products that have no quantity of their own.
	ReasonStockNotManaged Reason = "StockNotManaged"
	// ReasonInvalidQuantity is of quantities that the channel cannot have.
	ReasonInvalidQuantity Reason = "InvalidQuantity"
	// ReasonRefusedByChannel is of what the channel refuses without a reason that it documents.
	ReasonRefusedByChannel Reason = "RefusedByChannel"
	// ReasonNotConfirmed is of what the channel's answer says nothing of.
	ReasonNotConfirmed Reason = "NotConfirmed"
	// ReasonNotApplied is of what the channel has accepted, and shows otherwise.
	ReasonNotApplied Reason = "NotApplied"
)

// Reasons of files of many quantities that a channel works off in its own time.
const (
	// ReasonFeedPending is of a file that it still works on.
	ReasonFeedPending Reason = "FeedPending"
	// ReasonFeedRefused is of a file of which it has taken nothing.
	ReasonFeedRefused Reason = "FeedRefused"
)

// StatusReason is the reason of an HTTP status that has no other one.
func StatusReason(status int) Reason { return Reason("Status" + strconv.Itoa(status)) }
