package rawconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// silence is how long a broker that does not know a request may say nothing.
const silence = 3 * time.Second

// Discover finds which versions a broker speaks: from ApiVersions if it knows that, in the
// version that the broker asks for if it does not know ours (KIP-511), else by which requests
// it answers at all. It also returns how it found them. It blocks for some seconds if the broker
// is old.
func Discover(ctx context.Context, addr string) ([]kmsg.VersionRange, string, error) {
	req := kmsg.NewAPIVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "franzi", "1"
	req.Version = kmsg.LookupAPI(kmsg.KeyAPIVersions).MaxVersion
	for _, again := range []bool{false, true} {
		resp, err := try(ctx, addr, req)
		if failsLikeOld(err) {
			break
		}
		if err != nil {
			return nil, "", err
		}
		answer := resp.(*kmsg.APIVersionsResponse)
		switch {
		case answer.ErrorCode == kmsg.None:
			how := fmt.Sprintf("ApiVersions %d", req.Version)
			if again {
				how += " after a downgrade"
			}
			return ranges(answer), how, nil
		case answer.ErrorCode != kmsg.UnsupportedVersion || again:
			return nil, "", answer.ErrorCode
		}
		req.Version = 0
		for _, k := range answer.APIKeys {
			if k.APIKey == int16(kmsg.KeyAPIVersions) {
				req.Version = k.MaxVersion
			}
		}
	}
	return discoverOld(ctx, addr)
}

// discoverOld tells the releases before ApiVersions apart by the last API that each brought.
func discoverOld(ctx context.Context, addr string) ([]kmsg.VersionRange, string, error) {
	metadata := kmsg.NewMetadataRequest()
	metadata.Topics = []kmsg.MetadataRequestTopic{}
	if _, err := try(ctx, addr, metadata); err != nil {
		return nil, "", fmt.Errorf("neither ApiVersions nor Metadata 0 is answered: %w", err)
	}
	coordinator := kmsg.NewFindCoordinatorRequest()
	coordinator.Key = "nobody"
	fetch := kmsg.NewOffsetFetchRequest()
	fetch.GroupID, fetch.Topics = "nobody", []kmsg.OffsetFetchRequestTopic{}
	name := "0.8.0"
	for _, step := range []struct {
		release string
		req     kmsg.Request
	}{{"0.9.0", kmsg.NewListGroupsRequest()}, {"0.8.2", coordinator}, {"0.8.1", fetch}} {
		_, err := try(ctx, addr, step.req)
		if err == nil {
			name = step.release
			break
		}
		if !failsLikeOld(err) {
			return nil, "", err
		}
	}
	release, err := kmsg.Release(name)
	if err != nil {
		return nil, "", err
	}
	return release.BrokerAPIs(), "how it fails: like " + name, nil
}

// failsLikeOld reports whether a broker that does not know a request fails like this: it
// closes the connection, or never answers.
func failsLikeOld(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, os.ErrDeadlineExceeded)
}

// try sends a request on a connection of its own.
func try(ctx context.Context, addr string, req kmsg.Request) (kmsg.Response, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return (&Conn{Conn: conn, limit: silence}).Ask(req)
}

func ranges(answer *kmsg.APIVersionsResponse) []kmsg.VersionRange {
	var all []kmsg.VersionRange
	for _, k := range answer.APIKeys {
		all = append(all, kmsg.VersionRange{Key: kmsg.APIKey(k.APIKey), Min: k.MinVersion, Max: k.MaxVersion})
	}
	return all
}
