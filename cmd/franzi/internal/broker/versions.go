package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Software is how a client introduces itself in ApiVersions (KIP-511).
type Software struct{ Name, Version string }

// Versions asks what the broker speaks. It asks in the highest version, and if the broker
// lacks that, again in the one that the broker names (KIP-511). The response's Version is
// the one in which the answer came.
func (c *Conn) Versions(ctx context.Context, s Software) (*kmsg.APIVersionsResponse, error) {
	req := kmsg.NewAPIVersionsRequest()
	req.Version = kmsg.LookupAPI(kmsg.KeyAPIVersions).MaxVersion
	req.ClientSoftwareName, req.ClientSoftwareVersion = s.Name, s.Version
	resp, err := c.firstVersions(ctx, req)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if resp.ErrorCode == kmsg.UnsupportedVersion && resp.Version != req.Version {
		req.Version = downgrade(resp, req.Version)
		if resp, err = c.versions(ctx, req); err != nil {
			return nil, err
		}
	}
	if err := resp.ErrorCode.Err(); err != nil {
		return nil, c.fail(err, "it refuses %s with %s", title(req), resp.ErrorCode.Name())
	}
	return resp, nil
}

// downgrade is the version of ApiVersions to ask in after the broker refused one: its
// highest, or 0 if it does not say (before 2.4).
func downgrade(resp *kmsg.APIVersionsResponse, refused int16) int16 {
	for _, a := range resp.APIKeys {
		if kmsg.APIKey(a.APIKey) == kmsg.KeyAPIVersions && a.MaxVersion < refused {
			return max(a.MaxVersion, 0)
		}
	}
	return 0
}

func (c *Conn) versions(ctx context.Context, req *kmsg.APIVersionsRequest) (*kmsg.APIVersionsResponse, error) {
	frame, err := c.RoundTrip(ctx, req)
	if err != nil {
		return nil, err
	}
	resp := req.NewResponse()
	if _, err := kmsg.DecodeResponseLenient(frame, resp); err != nil {
		return nil, c.fail(err, "the answer to %s makes no sense (%s): is this a Kafka broker?", title(req), cause(err))
	}
	return resp, nil
}

// cause is why bytes are no message, without the layers that say which.
func cause(err error) string {
	var e *kbin.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("at byte %d of %d: %s", e.Offset, e.Size, e.Reason)
	}
	return err.Error()
}

// firstVersions leaves half of the time for finding out why there is no answer.
func (c *Conn) firstVersions(ctx context.Context, req *kmsg.APIVersionsRequest) (*kmsg.APIVersionsResponse, error) {
	if deadline, ok := ctx.Deadline(); ok {
		half, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
		ctx = half
	}
	return c.versions(ctx, req)
}

// explain finds out why the other side ended the connection on ApiVersions or kept silent:
// brokers before 0.10 do, as they do not know it (0.8 ends it, 0.9 keeps silent), but so do
// others that are no Kafka listeners, or want TLS. Only a broker answers Metadata version 0
// on a connection of its own.
func (c *Conn) explain(ctx context.Context, err error) error {
	var e *Error
	if !errors.As(err, &e) || !e.Ended && !e.Timeout || ctx.Err() != nil {
		return err
	}
	answers := c.answersMetadata(ctx)
	switch {
	case answers && e.Ended:
		return &Error{Addr: c.addr, Old: true, Err: err,
			Reason: "the broker does not know ApiVersions and ends the connection: it is older than 0.10 (it does answer Metadata version 0)"}
	case answers:
		return &Error{Addr: c.addr, Old: true, Err: err,
			Reason: "the broker gives no answer to ApiVersions, but one to Metadata version 0: it seems to be older than 0.10"}
	case e.Ended && ctx.Err() == nil:
		return &Error{Addr: c.addr, Ended: true, Err: err,
			Reason: "the connection ended on ApiVersions, and on Metadata version 0 there was no answer either: it is no Kafka listener, or one that wants TLS"}
	}
	return err
}

func (c *Conn) answersMetadata(ctx context.Context) bool {
	fresh, err := Dial(ctx, c.dial, c.addr, c.clientID)
	if err != nil {
		return false
	}
	defer fresh.Close()
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // not null, which version 0 lacks
	frame, err := fresh.RoundTrip(ctx, req)
	if err != nil {
		return false
	}
	_, err = kmsg.DecodeResponseLenient(frame, req.NewResponse())
	return err == nil
}

// Negotiate returns the highest version of an API that both sides speak.
func Negotiate(resp *kmsg.APIVersionsResponse, api *kmsg.API) (int16, error) {
	theirs, ok := spoken(resp, api.Key)
	if !ok {
		return 0, fmt.Errorf("the broker does not know %s", api.Name)
	}
	if v := min(theirs.Max, api.MaxVersion); v >= max(theirs.Min, api.MinVersion) {
		return v, nil
	}
	return 0, fmt.Errorf("the broker speaks versions %d to %d of %s, we speak %d to %d", theirs.Min, theirs.Max, api.Name, api.MinVersion, api.MaxVersion)
}

// Lacks says that the broker does not speak a version of an API, "" if it does.
func Lacks(resp *kmsg.APIVersionsResponse, api *kmsg.API, v int16) string {
	theirs, ok := spoken(resp, api.Key)
	switch {
	case !ok:
		return "the broker does not know " + api.Name
	case v < theirs.Min || v > theirs.Max:
		return fmt.Sprintf("the broker speaks versions %d to %d of %s, not %d", theirs.Min, theirs.Max, api.Name, v)
	}
	return ""
}

func spoken(resp *kmsg.APIVersionsResponse, key kmsg.APIKey) (kmsg.VersionRange, bool) {
	for _, a := range resp.APIKeys {
		if kmsg.APIKey(a.APIKey) == key {
			return kmsg.VersionRange{Key: key, Min: a.MinVersion, Max: a.MaxVersion}, true
		}
	}
	return kmsg.VersionRange{Key: key}, false
}
