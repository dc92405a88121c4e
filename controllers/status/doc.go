// Package status writes what reconcilers have found out into the status of objects, in one way: conditions
// as kstatus reads them, the status whole, by an update that a conflict refuses, and events of what has
// changed only after that is stored.
//
// It knows the condition types of the API, and nothing of stock, ledger or channels.
package status
