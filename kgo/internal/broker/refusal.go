package broker

import (
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

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
	case *kmsg.ListOffsetsRequest:
		resp := req.NewResponse()
		for i := range req.Topics {
			t := &req.Topics[i]
			told := kmsg.ListOffsetsResponseTopicResponse{Name: t.Name}
			for j := range t.Partitions {
				p := kmsg.NewListOffsetsResponsePartitionResponse()
				p.PartitionIndex, p.ErrorCode = t.Partitions[j].PartitionIndex, code
				told.Partitions = append(told.Partitions, p)
			}
			resp.Topics = append(resp.Topics, told)
		}
		return resp
	case *kmsg.OffsetForLeaderEpochRequest:
		resp := req.NewResponse()
		for i := range req.Topics {
			t := &req.Topics[i]
			told := kmsg.OffsetForLeaderEpochResponseOffsetForLeaderTopicResult{Topic: t.Topic}
			for j := range t.Partitions {
				p := kmsg.NewOffsetForLeaderEpochResponseEpochEndOffset()
				p.Partition, p.ErrorCode = t.Partitions[j].Partition, code
				told.Partitions = append(told.Partitions, p)
			}
			resp.Topics = append(resp.Topics, told)
		}
		return resp
	case *kmsg.DeleteRecordsRequest:
		resp := req.NewResponse()
		for i := range req.Topics {
			t := &req.Topics[i]
			told := kmsg.DeleteRecordsResponseTopicResult{Name: t.Name}
			for j := range t.Partitions {
				told.Partitions = append(told.Partitions, kmsg.DeleteRecordsResponsePartitionResult{PartitionIndex: t.Partitions[j].PartitionIndex, LowWatermark: -1, ErrorCode: code})
			}
			resp.Topics = append(resp.Topics, told)
		}
		return resp
	case *kmsg.DeleteTopicsRequest:
		resp := req.NewResponse()
		for i := range req.Topics {
			t := kmsg.NewDeleteTopicsResponseDeletableTopicResult()
			t.Name, t.TopicID, t.ErrorCode = req.Topics[i].Name, req.Topics[i].TopicID, code
			resp.Responses = append(resp.Responses, t)
		}
		for _, name := range req.TopicNames {
			t := kmsg.NewDeleteTopicsResponseDeletableTopicResult()
			t.Name, t.ErrorCode = kbin.Str(name), code
			resp.Responses = append(resp.Responses, t)
		}
		return resp
	case *kmsg.CreatePartitionsRequest:
		resp := req.NewResponse()
		for i := range req.Topics {
			resp.Results = append(resp.Results, kmsg.CreatePartitionsResponseTopicResult{Name: req.Topics[i].Name, ErrorCode: code})
		}
		return resp
	case *kmsg.DescribeConfigsRequest:
		resp := req.NewResponse()
		for i := range req.Resources {
			r := &req.Resources[i]
			resp.Results = append(resp.Results, kmsg.DescribeConfigsResponseResult{ResourceType: r.ResourceType, ResourceName: r.ResourceName, ErrorCode: code})
		}
		return resp
	case *kmsg.AlterConfigsRequest:
		resp := req.NewResponse()
		for i := range req.Resources {
			r := &req.Resources[i]
			resp.Responses = append(resp.Responses, kmsg.AlterConfigsResponseResourceResponse{ResourceType: r.ResourceType, ResourceName: r.ResourceName, ErrorCode: code})
		}
		return resp
	case *kmsg.IncrementalAlterConfigsRequest:
		resp := req.NewResponse()
		for i := range req.Resources {
			r := &req.Resources[i]
			resp.Responses = append(resp.Responses, kmsg.IncrementalAlterConfigsResponseAlterConfigsResourceResponse{ResourceType: r.ResourceType, ResourceName: r.ResourceName, ErrorCode: code})
		}
		return resp
	case *kmsg.FindCoordinatorRequest:
		resp := req.NewResponse()
		if req.Version < 4 {
			resp.ErrorCode, resp.NodeID, resp.Port = code, -1, -1
			return resp
		}
		for _, key := range req.CoordinatorKeys {
			d := kmsg.NewFindCoordinatorResponseCoordinator()
			d.Key, d.ErrorCode, d.NodeID, d.Port = key, code, -1, -1
			resp.Coordinators = append(resp.Coordinators, d)
		}
		return resp
	case *kmsg.InitProducerIDRequest:
		resp := req.NewResponse()
		resp.ErrorCode, resp.ProducerEpoch = code, -1
		return resp
	case *kmsg.DescribeClusterRequest:
		resp := req.NewResponse()
		resp.ErrorCode = code
		return resp
	case *kmsg.DescribeTopicPartitionsRequest:
		resp := req.NewResponse()
		for i := range req.Topics {
			t := kmsg.NewDescribeTopicPartitionsResponseTopic()
			t.Name, t.ErrorCode = kbin.Str(req.Topics[i].Name), code
			resp.Topics = append(resp.Topics, t)
		}
		return resp
	case *kmsg.SASLHandshakeRequest:
		resp := req.NewResponse()
		resp.ErrorCode = code
		return resp
	case *kmsg.SASLAuthenticateRequest:
		resp := req.NewResponse()
		resp.ErrorCode = code
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
