package route

import "github.com/franzi-kafka/franzi/kmsg"

// A Sense is what an error code means to a client.
type Sense uint16

// What an error code may mean. Several may go together; every code but [kmsg.None] means
// something.
const (
	// Retriable: the same request may succeed later.
	Retriable Sense = 1 << iota
	// Undone: the broker did nothing, so that it is safe to send any request again.
	Undone
	// Briefly: retriable, but it may well last, so that it is tried a few times only.
	Briefly
	// StaleMetadata: what is known of topic or leader is wrong.
	StaleMetadata
	// StaleCoordinator: another broker coordinates.
	StaleCoordinator
	// StaleController: another broker is the controller.
	StaleController
	// StaleCluster: all that is known of brokers is wrong.
	StaleCluster
	// Refused: the answer to the same request will be the same.
	Refused
	// Fatal: nothing will help but other permissions, credentials or settings.
	Fatal
	// Fenced: somebody else has taken over, or the member, producer, leader or session is not
	// what it was, and has to begin anew.
	Fenced
	// Abortable: the transaction has to be aborted.
	Abortable
)

// Is reports whether all of what belongs to the sense.
func (s Sense) Is(all Sense) bool { return s&all == all }

// Meaning returns what a code means, wherever it appears. Unknown codes are refusals, like those
// that are not listed.
func Meaning(code kmsg.ErrorCode) Sense {
	if i := int(code) - int(kmsg.UnknownServerError); i >= 0 && i < len(meanings) {
		return meanings[i]
	}
	return Refused
}

// meanings has the sense of each code, UNKNOWN_SERVER_ERROR first. It differs from Java's
// exceptions, of which some are retriable that are not for the same request (fetch sessions,
// fenced leader epochs) or that say it is done (ELECTION_NOT_NEEDED).
var meanings = [...]Sense{
	kmsg.UnknownServerError + 1:                     Refused,
	kmsg.None + 1:                                   0,
	kmsg.OffsetOutOfRange + 1:                       Refused,
	kmsg.CorruptMessage + 1:                         Retriable | Undone | Briefly,
	kmsg.UnknownTopicOrPartition + 1:                Retriable | Undone | Briefly | StaleMetadata,
	kmsg.InvalidFetchSize + 1:                       Refused,
	kmsg.LeaderNotAvailable + 1:                     Retriable | Undone | StaleMetadata,
	kmsg.NotLeaderOrFollower + 1:                    Retriable | Undone | StaleMetadata,
	kmsg.RequestTimedOut + 1:                        Retriable,
	kmsg.BrokerNotAvailable + 1:                     Retriable | Undone | StaleMetadata,
	kmsg.ReplicaNotAvailable + 1:                    Retriable | Undone | StaleMetadata,
	kmsg.MessageTooLarge + 1:                        Refused,
	kmsg.StaleControllerEpoch + 1:                   Fenced,
	kmsg.OffsetMetadataTooLarge + 1:                 Refused,
	kmsg.NetworkException + 1:                       Retriable | StaleMetadata,
	kmsg.CoordinatorLoadInProgress + 1:              Retriable | Undone,
	kmsg.CoordinatorNotAvailable + 1:                Retriable | Undone | StaleCoordinator,
	kmsg.NotCoordinator + 1:                         Retriable | Undone | StaleCoordinator,
	kmsg.InvalidTopicException + 1:                  Refused,
	kmsg.RecordListTooLarge + 1:                     Refused,
	kmsg.NotEnoughReplicas + 1:                      Retriable | Undone,
	kmsg.NotEnoughReplicasAfterAppend + 1:           Retriable,
	kmsg.InvalidRequiredAcks + 1:                    Refused,
	kmsg.IllegalGeneration + 1:                      Fenced,
	kmsg.InconsistentGroupProtocol + 1:              Refused,
	kmsg.InvalidGroupID + 1:                         Refused,
	kmsg.UnknownMemberID + 1:                        Fenced,
	kmsg.InvalidSessionTimeout + 1:                  Refused,
	kmsg.RebalanceInProgress + 1:                    Fenced,
	kmsg.InvalidCommitOffsetSize + 1:                Refused,
	kmsg.TopicAuthorizationFailed + 1:               Fatal,
	kmsg.GroupAuthorizationFailed + 1:               Fatal,
	kmsg.ClusterAuthorizationFailed + 1:             Fatal,
	kmsg.InvalidTimestamp + 1:                       Refused,
	kmsg.UnsupportedSASLMechanism + 1:               Fatal,
	kmsg.IllegalSASLState + 1:                       Fatal,
	kmsg.UnsupportedVersion + 1:                     Fatal,
	kmsg.TopicAlreadyExists + 1:                     Refused,
	kmsg.InvalidPartitions + 1:                      Refused,
	kmsg.InvalidReplicationFactor + 1:               Refused,
	kmsg.InvalidReplicaAssignment + 1:               Refused,
	kmsg.InvalidConfig + 1:                          Refused,
	kmsg.NotController + 1:                          Retriable | Undone | StaleController,
	kmsg.InvalidRequest + 1:                         Refused,
	kmsg.UnsupportedForMessageFormat + 1:            Fatal,
	kmsg.PolicyViolation + 1:                        Refused,
	kmsg.OutOfOrderSequenceNumber + 1:               Refused,
	kmsg.DuplicateSequenceNumber + 1:                Refused,
	kmsg.InvalidProducerEpoch + 1:                   Fenced,
	kmsg.InvalidTxnState + 1:                        Refused,
	kmsg.InvalidProducerIDMapping + 1:               Fenced,
	kmsg.InvalidTransactionTimeout + 1:              Refused,
	kmsg.ConcurrentTransactions + 1:                 Retriable | Undone,
	kmsg.TransactionCoordinatorFenced + 1:           Fenced,
	kmsg.TransactionalIDAuthorizationFailed + 1:     Fatal,
	kmsg.SecurityDisabled + 1:                       Fatal,
	kmsg.OperationNotAttempted + 1:                  Undone | Refused,
	kmsg.KafkaStorageError + 1:                      Retriable | StaleMetadata,
	kmsg.LogDirNotFound + 1:                         Refused,
	kmsg.SASLAuthenticationFailed + 1:               Fatal,
	kmsg.UnknownProducerID + 1:                      Fenced,
	kmsg.ReassignmentInProgress + 1:                 Refused,
	kmsg.DelegationTokenAuthDisabled + 1:            Fatal,
	kmsg.DelegationTokenNotFound + 1:                Refused,
	kmsg.DelegationTokenOwnerMismatch + 1:           Fatal,
	kmsg.DelegationTokenRequestNotAllowed + 1:       Fatal,
	kmsg.DelegationTokenAuthorizationFailed + 1:     Fatal,
	kmsg.DelegationTokenExpired + 1:                 Refused,
	kmsg.InvalidPrincipalType + 1:                   Refused,
	kmsg.NonEmptyGroup + 1:                          Refused,
	kmsg.GroupIDNotFound + 1:                        Refused,
	kmsg.FetchSessionIDNotFound + 1:                 Fenced,
	kmsg.InvalidFetchSessionEpoch + 1:               Fenced,
	kmsg.ListenerNotFound + 1:                       Retriable | Undone | StaleMetadata,
	kmsg.TopicDeletionDisabled + 1:                  Fatal,
	kmsg.FencedLeaderEpoch + 1:                      Fenced | StaleMetadata,
	kmsg.UnknownLeaderEpoch + 1:                     Retriable | Undone,
	kmsg.UnsupportedCompressionType + 1:             Refused,
	kmsg.StaleBrokerEpoch + 1:                       Fenced,
	kmsg.OffsetNotAvailable + 1:                     Retriable | Undone,
	kmsg.MemberIDRequired + 1:                       Fenced,
	kmsg.PreferredLeaderNotAvailable + 1:            Retriable | Undone | Briefly | StaleMetadata,
	kmsg.GroupMaxSizeReached + 1:                    Refused,
	kmsg.FencedInstanceID + 1:                       Fenced,
	kmsg.EligibleLeadersNotAvailable + 1:            Retriable | Undone | Briefly | StaleMetadata,
	kmsg.ElectionNotNeeded + 1:                      Refused | StaleMetadata,
	kmsg.NoReassignmentInProgress + 1:               Refused,
	kmsg.GroupSubscribedToTopic + 1:                 Refused,
	kmsg.InvalidRecord + 1:                          Refused,
	kmsg.UnstableOffsetCommit + 1:                   Retriable | Undone,
	kmsg.ThrottlingQuotaExceeded + 1:                Retriable | Undone,
	kmsg.ProducerFenced + 1:                         Fenced,
	kmsg.ResourceNotFound + 1:                       Refused,
	kmsg.DuplicateResource + 1:                      Refused,
	kmsg.UnacceptableCredential + 1:                 Refused,
	kmsg.InconsistentVoterSet + 1:                   Refused,
	kmsg.InvalidUpdateVersion + 1:                   Refused,
	kmsg.FeatureUpdateFailed + 1:                    Refused,
	kmsg.PrincipalDeserializationFailure + 1:        Fatal,
	kmsg.SnapshotNotFound + 1:                       Refused,
	kmsg.PositionOutOfRange + 1:                     Refused,
	kmsg.UnknownTopicID + 1:                         Retriable | Undone | Briefly | StaleMetadata,
	kmsg.DuplicateBrokerRegistration + 1:            Refused,
	kmsg.BrokerIDNotRegistered + 1:                  Refused,
	kmsg.InconsistentTopicID + 1:                    Retriable | Undone | Briefly | StaleMetadata,
	kmsg.InconsistentClusterID + 1:                  Fatal,
	kmsg.TransactionalIDNotFound + 1:                Refused,
	kmsg.FetchSessionTopicIDError + 1:               Fenced,
	kmsg.IneligibleReplica + 1:                      Refused,
	kmsg.NewLeaderElected + 1:                       Refused | StaleMetadata,
	kmsg.OffsetMovedToTieredStorage + 1:             Refused,
	kmsg.FencedMemberEpoch + 1:                      Fenced,
	kmsg.UnreleasedInstanceID + 1:                   Refused,
	kmsg.UnsupportedAssignor + 1:                    Fatal,
	kmsg.StaleMemberEpoch + 1:                       Fenced,
	kmsg.MismatchedEndpointType + 1:                 Fatal,
	kmsg.UnsupportedEndpointType + 1:                Fatal,
	kmsg.UnknownControllerID + 1:                    Refused,
	kmsg.UnknownSubscriptionID + 1:                  Fenced,
	kmsg.TelemetryTooLarge + 1:                      Refused,
	kmsg.InvalidRegistration + 1:                    Refused,
	kmsg.TransactionAbortable + 1:                   Abortable,
	kmsg.InvalidRecordState + 1:                     Refused,
	kmsg.ShareSessionNotFound + 1:                   Fenced,
	kmsg.InvalidShareSessionEpoch + 1:               Fenced,
	kmsg.FencedStateEpoch + 1:                       Fenced,
	kmsg.InvalidVoterKey + 1:                        Refused,
	kmsg.DuplicateVoter + 1:                         Refused,
	kmsg.VoterNotFound + 1:                          Refused,
	kmsg.InvalidRegularExpression + 1:               Refused,
	kmsg.RebootstrapRequired + 1:                    Retriable | Undone | StaleCluster,
	kmsg.StreamsInvalidTopology + 1:                 Refused,
	kmsg.StreamsInvalidTopologyEpoch + 1:            Refused,
	kmsg.StreamsTopologyFenced + 1:                  Fenced,
	kmsg.ShareSessionLimitReached + 1:               Retriable | Undone,
	kmsg.GroupDeletionFailed + 1:                    Refused,
	kmsg.StreamsTopologyDescriptionUpdateFailed + 1: Refused,
	kmsg.ControllerIDNotRegistered + 1:              Refused,
}
