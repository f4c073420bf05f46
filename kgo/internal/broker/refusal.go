package broker

import "github.com/franzi-kafka/franzi/kmsg"

// refusal is the answer to a request that fails as a whole, as brokers write it: where the answer
// has no code of its own, each part of the request gets it.
func refusal(req kmsg.Request, code kmsg.ErrorCode) kmsg.Response {
	switch req := req.(type) {
	case *kmsg.ProduceRequest:
		resp := req.NewResponse()
		for i := range req.TopicData {
			t := &req.TopicData[i]
			told := kmsg.ProduceResponseTopicProduceResponse{Name: t.Name, TopicID: t.TopicID}
			for j := range t.PartitionData {
				p := kmsg.NewProduceResponsePartitionProduceResponse()
				p.Index, p.ErrorCode, p.BaseOffset = t.PartitionData[j].Index, code, -1
				told.PartitionResponses = append(told.PartitionResponses, p)
			}
			resp.Responses = append(resp.Responses, told)
		}
		return resp
	case *kmsg.FetchRequest:
		resp := req.NewResponse()
		resp.ErrorCode = code
		for i := range req.Topics {
			t := &req.Topics[i]
			if req.Version >= 13 {
				break
			}
			told := kmsg.FetchResponseFetchableTopicResponse{Topic: t.Topic}
			for j := range t.Partitions {
				p := kmsg.NewFetchResponsePartitionData()
				p.PartitionIndex, p.ErrorCode, p.HighWatermark, p.Records = t.Partitions[j].Partition, code, -1, []byte{}
				told.Partitions = append(told.Partitions, p)
			}
			resp.Responses = append(resp.Responses, told)
		}
		return resp
	case *kmsg.MetadataRequest:
		resp := req.NewResponse()
		resp.ErrorCode = code
		for i := range req.Topics {
			t := kmsg.NewMetadataResponseTopic()
			t.Name, t.TopicID, t.ErrorCode = req.Topics[i].Name, req.Topics[i].TopicID, code
			resp.Topics = append(resp.Topics, t)
		}
		return resp
	case *kmsg.APIVersionsRequest:
		resp := req.NewResponse()
		resp.ErrorCode = code
		return resp
	case *kmsg.CreateTopicsRequest:
		resp := req.NewResponse()
		for i := range req.Topics {
			t := kmsg.NewCreateTopicsResponseCreatableTopicResult()
			t.Name, t.ErrorCode = req.Topics[i].Name, code
			resp.Topics = append(resp.Topics, t)
		}
		return resp
	}
	panic("broker: no refusal for " + req.APIKey().String())
}

// sizeOf guesses how large an answer is, in bytes.
func sizeOf(resp kmsg.Response) int {
	size := 256
	switch resp := resp.(type) {
	case *kmsg.FetchResponse:
		for i := range resp.Responses {
			t := &resp.Responses[i]
			size += 32 + len(t.Topic)
			for j := range t.Partitions {
				size += 64 + len(t.Partitions[j].Records)
			}
		}
	case *kmsg.MetadataResponse:
		for i := range resp.Topics {
			size += 64 + len(resp.Topics[i].Name.S) + 64*len(resp.Topics[i].Partitions)
		}
	}
	return size
}
