// Package controllers reconciles the kinds of inventory.tallyman.dev.
package controllers

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/fold"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/shard"
)

// loadRetry is the pause between attempts to read the ledger.
const loadRetry = time.Second

// Leader runs what only one replica may do for a namespace: fold the log, and push to channels.
type Leader struct {
	Store      *ledger.Store
	Reader     client.Reader // not cached
	Namespaces []string
	Runner     *channelsync.Runner
	Folder     *fold.Folder
	Trimmer    *fold.Trimmer
	Clock      clock.WithTicker
	// Term returns the one that this process leads for. It fails while that is not known.
	Term func(ctx context.Context) (*channelsync.Term, error)
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (l *Leader) NeedLeaderElection() bool { return true }

// Start leads until the context ends.
func (l *Leader) Start(ctx context.Context) error {
	began := l.Clock.Now()
	if !l.Store.WaitSynced(ctx) {
		return nil
	}
	term, err := l.begin(ctx)
	if err != nil {
		return nil // only the end of the context stops it
	}
	if err := l.load(ctx); err != nil {
		return nil
	}
	log.FromContext(ctx).Info("Leading", "loadSeconds", l.Clock.Since(began).Seconds(), "term", term.Revision)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.Runner.Run(ctx, term) })
	for _, runnable := range []manager.Runnable{l.Folder, l.Trimmer} {
		group.Go(func() error { return runnable.Start(ctx) })
	}
	return group.Wait()
}

// begin finds out which term this is, however long the API server does not answer.
func (l *Leader) begin(ctx context.Context) (term *channelsync.Term, err error) {
	err = wait.PollUntilContextCancel(ctx, loadRetry, true, func(ctx context.Context) (bool, error) {
		var problem error
		if term, problem = l.Term(ctx); problem != nil {
			log.FromContext(ctx).Error(problem, "Reading the Lease failed, will retry")
			return false, nil
		}
		return true, nil
	})
	return term, err
}

// load reads everything, however long the API server does not answer.
func (l *Leader) load(ctx context.Context) error {
	return wait.PollUntilContextCancel(ctx, loadRetry, true, func(ctx context.Context) (bool, error) {
		if err := l.Store.Load(ctx, l.Reader, l.Namespaces); err != nil {
			log.FromContext(ctx).Error(err, "Reading the ledger failed, will retry")
			return false, nil
		}
		return true, nil
	})
}

// Setup registers every reconciler with the manager, for a part of all namespaces.
func Setup(mgr manager.Manager, part shard.Shard, reconcilers ...interface {
	SetupWithManager(mgr manager.Manager, part shard.Shard) error
},
) error {
	for _, r := range reconcilers {
		if err := r.SetupWithManager(mgr, part); err != nil {
			return fmt.Errorf("set up %T: %w", r, err)
		}
	}
	return nil
}
