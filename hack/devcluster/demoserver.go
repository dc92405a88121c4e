package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/devcluster/demo"
)

// demoGrace bounds how long the demo channel's last answers may take.
const demoGrace = 5 * time.Second

// demo makes the server of the demo channel, with what its channels remember.
func (c *cluster) demo() (*http.Server, error) {
	if err := os.MkdirAll(c.dir.file("demo"), 0o700); err != nil {
		return nil, err
	}
	var channels []*demo.Channel
	for _, sample := range c.config.samples.channels {
		u, err := url.Parse(string(sample.Spec.Omni.URL))
		if err != nil {
			return nil, err
		}
		file := c.dir.file("demo/" + sample.Name + ".json")
		mode := cmp.Or(sample.Spec.Mode, inventoryv1alpha1.LocationWise) // the schema's default
		channel, err := demo.Open(sample.Name, string(mode), u.Path, file, clock.RealClock{})
		if err != nil {
			return nil, err
		}
		channels = append(channels, channel)
	}
	handler, err := demo.Handler(channels)
	if err != nil {
		return nil, err
	}
	return &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}, nil
}

func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), demoGrace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("stop the demo channel: %w", err)
	}
	return nil
}
