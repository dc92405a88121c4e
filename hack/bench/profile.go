package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
)

// profiler takes CPU profiles of managers and of the API server, from the beginning of each load, and then the
// API server's metrics.
type profiler struct {
	length time.Duration // of a profile; none are taken where it is zero
	dir    string
}

// start takes profiles of a round and returns the wait for them. Those of a later round replace an earlier one's.
func (pr *profiler) start(ctx context.Context, c *cluster, processes []*process, step string) (wait func() error) {
	if pr.length == 0 {
		return func() error { return nil }
	}
	path := fmt.Sprintf("/debug/pprof/profile?seconds=%.0f", math.Ceil(pr.length.Seconds()))
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range processes {
		group.Go(func() error {
			return pr.save(ctx, http.DefaultClient, p.pprof+path, fmt.Sprintf("%s-manager-%d.pprof", step, i))
		})
	}
	group.Go(func() error {
		client, err := rest.HTTPClientFor(c.config)
		if err != nil {
			return err
		}
		url := strings.TrimSuffix(c.config.Host, "/")
		if err := pr.save(ctx, client, url+path, step+"-apiserver.pprof"); err != nil {
			return err
		}
		return pr.save(ctx, client, url+"/metrics", step+"-apiserver.metrics") // who asked for what, since the start
	})
	return group.Wait
}

// save downloads one profile.
func (pr *profiler) save(ctx context.Context, client *http.Client, url, name string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("take the profile %s: %w", name, err)
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	file, err := os.Create(filepath.Join(pr.dir, name))
	if err != nil {
		return err
	}
	_, err = io.Copy(file, answer.Body)
	return errors.Join(err, file.Close())
}
