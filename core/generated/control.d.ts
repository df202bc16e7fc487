import * as $protobuf from "protobufjs/minimal.js";

/** Namespace shoal. */
export namespace shoal {

    /** Namespace control. */
    namespace control {

        /**
         * Properties of a Frame.
         * @deprecated Use shoal.control.Frame.$Properties instead.
         */
        interface IFrame extends shoal.control.Frame.$Properties {
        }

        /** Represents a Frame. */
        class Frame {

            /**
             * Constructs a new Frame.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Frame.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Frame call. */
            call: number;

            /** Frame request. */
            request?: (shoal.control.Request.$Properties|null);

            /** Frame response. */
            response?: (shoal.control.Response.$Properties|null);

            /** Frame complete. */
            complete?: (shoal.control.Complete.$Properties|null);

            /** Frame failure. */
            failure?: (shoal.control.Failure.$Properties|null);

            /** Frame cancel. */
            cancel?: (shoal.control.Cancel.$Properties|null);

            /** Frame body. */
            body?: ("request"|"response"|"complete"|"failure"|"cancel");

            /**
             * Creates a new Frame instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Frame instance
             */
            static create(properties: shoal.control.Frame.$Shape): shoal.control.Frame & shoal.control.Frame.$Shape;
            static create(properties?: shoal.control.Frame.$Properties): shoal.control.Frame;

            /**
             * Encodes the specified Frame message. Does not implicitly {@link shoal.control.Frame.verify|verify} messages.
             * @param message Frame message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Frame.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Frame message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Frame & shoal.control.Frame.$Shape} Frame
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Frame & shoal.control.Frame.$Shape;
        }

        namespace Frame {

            /** Properties of a Frame. */
            interface $Properties {

                /** Frame call */
                call?: (number|null);

                /** Frame request */
                request?: (shoal.control.Request.$Properties|null);

                /** Frame response */
                response?: (shoal.control.Response.$Properties|null);

                /** Frame complete */
                complete?: (shoal.control.Complete.$Properties|null);

                /** Frame failure */
                failure?: (shoal.control.Failure.$Properties|null);

                /** Frame cancel */
                cancel?: (shoal.control.Cancel.$Properties|null);

                /** Frame body */
                body?: ("request"|"response"|"complete"|"failure"|"cancel");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a Frame. */
            type $Shape = {
              call?: number|null;
              request?: shoal.control.Request.$Shape|null;
              response?: shoal.control.Response.$Shape|null;
              complete?: shoal.control.Complete.$Shape|null;
              failure?: shoal.control.Failure.$Shape|null;
              cancel?: shoal.control.Cancel.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ body?: undefined; request?: null; response?: null; complete?: null; failure?: null; cancel?: null }|{ body?: "request"; request: shoal.control.Request.$Shape; response?: null; complete?: null; failure?: null; cancel?: null }|{ body?: "response"; request?: null; response: shoal.control.Response.$Shape; complete?: null; failure?: null; cancel?: null }|{ body?: "complete"; request?: null; response?: null; complete: shoal.control.Complete.$Shape; failure?: null; cancel?: null }|{ body?: "failure"; request?: null; response?: null; complete?: null; failure: shoal.control.Failure.$Shape; cancel?: null }|{ body?: "cancel"; request?: null; response?: null; complete?: null; failure?: null; cancel: shoal.control.Cancel.$Shape })
            );
        }

        /**
         * Properties of a Request.
         * @deprecated Use shoal.control.Request.$Properties instead.
         */
        interface IRequest extends shoal.control.Request.$Properties {
        }

        /** Represents a Request. */
        class Request {

            /**
             * Constructs a new Request.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Request.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Request deadlineMilliseconds. */
            deadlineMilliseconds: number;

            /** Request hello. */
            hello?: (shoal.control.Hello.$Properties|null);

            /** Request ping. */
            ping?: (shoal.control.Ping.$Properties|null);

            /** Request describe. */
            describe?: (shoal.control.DescribeRequest.$Properties|null);

            /** Request prepare. */
            prepare?: (shoal.control.PrepareRequest.$Properties|null);

            /** Request load. */
            load?: (shoal.control.LoadRequest.$Properties|null);

            /** Request release. */
            release?: (shoal.control.ReleaseRequest.$Properties|null);

            /** Request report. */
            report?: (shoal.control.ReportRequest.$Properties|null);

            /** Request generate. */
            generate?: (shoal.control.GenerateRequest.$Properties|null);

            /** Request listInstances. */
            listInstances?: (shoal.control.ListInstancesRequest.$Properties|null);

            /** Request listNodes. */
            listNodes?: (shoal.control.ListNodesRequest.$Properties|null);

            /** Request loadModel. */
            loadModel?: (shoal.control.LoadModelRequest.$Properties|null);

            /** Request unloadModel. */
            unloadModel?: (shoal.control.UnloadModelRequest.$Properties|null);

            /** Request explain. */
            explain?: (shoal.control.ExplainRequest.$Properties|null);

            /** Request watch. */
            watch?: (shoal.control.WatchRequest.$Properties|null);

            /** Request statistics. */
            statistics?: (shoal.control.StatisticsRequest.$Properties|null);

            /** Request logs. */
            logs?: (shoal.control.LogsRequest.$Properties|null);

            /** Request drain. */
            drain?: (shoal.control.DrainRequest.$Properties|null);

            /** Request moveModel. */
            moveModel?: (shoal.control.MoveModelRequest.$Properties|null);

            /** Request links. */
            links?: (shoal.control.LinksRequest.$Properties|null);

            /** Request topology. */
            topology?: (shoal.control.TopologyRequest.$Properties|null);

            /** Request goodbye. */
            goodbye?: (shoal.control.Goodbye.$Properties|null);

            /** Request readiness. */
            readiness?: (shoal.control.ReadinessRequest.$Properties|null);

            /** Request clock. */
            clock?: (shoal.control.ClockRequest.$Properties|null);

            /** Request consensus. */
            consensus?: (shoal.control.ConsensusRequest.$Properties|null);

            /** Request clusterState. */
            clusterState?: (shoal.control.ClusterStateRequest.$Properties|null);

            /** Request operate. */
            operate?: (shoal.control.OperateRequest.$Properties|null);

            /** Request adopt. */
            adopt?: (shoal.control.AdoptRequest.$Properties|null);

            /** Request method. */
            method?: ("hello"|"ping"|"describe"|"prepare"|"load"|"release"|"report"|"generate"|"listInstances"|"listNodes"|"loadModel"|"unloadModel"|"explain"|"watch"|"statistics"|"logs"|"drain"|"moveModel"|"links"|"topology"|"goodbye"|"readiness"|"clock"|"consensus"|"clusterState"|"operate"|"adopt");

            /**
             * Creates a new Request instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Request instance
             */
            static create(properties: shoal.control.Request.$Shape): shoal.control.Request & shoal.control.Request.$Shape;
            static create(properties?: shoal.control.Request.$Properties): shoal.control.Request;

            /**
             * Encodes the specified Request message. Does not implicitly {@link shoal.control.Request.verify|verify} messages.
             * @param message Request message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Request.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Request message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Request & shoal.control.Request.$Shape} Request
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Request & shoal.control.Request.$Shape;
        }

        namespace Request {

            /** Properties of a Request. */
            interface $Properties {

                /** Request deadlineMilliseconds */
                deadlineMilliseconds?: (number|null);

                /** Request hello */
                hello?: (shoal.control.Hello.$Properties|null);

                /** Request ping */
                ping?: (shoal.control.Ping.$Properties|null);

                /** Request describe */
                describe?: (shoal.control.DescribeRequest.$Properties|null);

                /** Request prepare */
                prepare?: (shoal.control.PrepareRequest.$Properties|null);

                /** Request load */
                load?: (shoal.control.LoadRequest.$Properties|null);

                /** Request release */
                release?: (shoal.control.ReleaseRequest.$Properties|null);

                /** Request report */
                report?: (shoal.control.ReportRequest.$Properties|null);

                /** Request generate */
                generate?: (shoal.control.GenerateRequest.$Properties|null);

                /** Request listInstances */
                listInstances?: (shoal.control.ListInstancesRequest.$Properties|null);

                /** Request listNodes */
                listNodes?: (shoal.control.ListNodesRequest.$Properties|null);

                /** Request loadModel */
                loadModel?: (shoal.control.LoadModelRequest.$Properties|null);

                /** Request unloadModel */
                unloadModel?: (shoal.control.UnloadModelRequest.$Properties|null);

                /** Request explain */
                explain?: (shoal.control.ExplainRequest.$Properties|null);

                /** Request watch */
                watch?: (shoal.control.WatchRequest.$Properties|null);

                /** Request statistics */
                statistics?: (shoal.control.StatisticsRequest.$Properties|null);

                /** Request logs */
                logs?: (shoal.control.LogsRequest.$Properties|null);

                /** Request drain */
                drain?: (shoal.control.DrainRequest.$Properties|null);

                /** Request moveModel */
                moveModel?: (shoal.control.MoveModelRequest.$Properties|null);

                /** Request links */
                links?: (shoal.control.LinksRequest.$Properties|null);

                /** Request topology */
                topology?: (shoal.control.TopologyRequest.$Properties|null);

                /** Request goodbye */
                goodbye?: (shoal.control.Goodbye.$Properties|null);

                /** Request readiness */
                readiness?: (shoal.control.ReadinessRequest.$Properties|null);

                /** Request clock */
                clock?: (shoal.control.ClockRequest.$Properties|null);

                /** Request consensus */
                consensus?: (shoal.control.ConsensusRequest.$Properties|null);

                /** Request clusterState */
                clusterState?: (shoal.control.ClusterStateRequest.$Properties|null);

                /** Request operate */
                operate?: (shoal.control.OperateRequest.$Properties|null);

                /** Request adopt */
                adopt?: (shoal.control.AdoptRequest.$Properties|null);

                /** Request method */
                method?: ("hello"|"ping"|"describe"|"prepare"|"load"|"release"|"report"|"generate"|"listInstances"|"listNodes"|"loadModel"|"unloadModel"|"explain"|"watch"|"statistics"|"logs"|"drain"|"moveModel"|"links"|"topology"|"goodbye"|"readiness"|"clock"|"consensus"|"clusterState"|"operate"|"adopt");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a Request. */
            type $Shape = {
              deadlineMilliseconds?: number|null;
              hello?: shoal.control.Hello.$Shape|null;
              ping?: shoal.control.Ping.$Shape|null;
              describe?: shoal.control.DescribeRequest.$Shape|null;
              prepare?: shoal.control.PrepareRequest.$Shape|null;
              load?: shoal.control.LoadRequest.$Shape|null;
              release?: shoal.control.ReleaseRequest.$Shape|null;
              report?: shoal.control.ReportRequest.$Shape|null;
              generate?: shoal.control.GenerateRequest.$Shape|null;
              listInstances?: shoal.control.ListInstancesRequest.$Shape|null;
              listNodes?: shoal.control.ListNodesRequest.$Shape|null;
              loadModel?: shoal.control.LoadModelRequest.$Shape|null;
              unloadModel?: shoal.control.UnloadModelRequest.$Shape|null;
              explain?: shoal.control.ExplainRequest.$Shape|null;
              watch?: shoal.control.WatchRequest.$Shape|null;
              statistics?: shoal.control.StatisticsRequest.$Shape|null;
              logs?: shoal.control.LogsRequest.$Shape|null;
              drain?: shoal.control.DrainRequest.$Shape|null;
              moveModel?: shoal.control.MoveModelRequest.$Shape|null;
              links?: shoal.control.LinksRequest.$Shape|null;
              topology?: shoal.control.TopologyRequest.$Shape|null;
              goodbye?: shoal.control.Goodbye.$Shape|null;
              readiness?: shoal.control.ReadinessRequest.$Shape|null;
              clock?: shoal.control.ClockRequest.$Shape|null;
              consensus?: shoal.control.ConsensusRequest.$Shape|null;
              clusterState?: shoal.control.ClusterStateRequest.$Shape|null;
              operate?: shoal.control.OperateRequest.$Shape|null;
              adopt?: shoal.control.AdoptRequest.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ method?: undefined; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "hello"; hello: shoal.control.Hello.$Shape; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "ping"; hello?: null; ping: shoal.control.Ping.$Shape; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "describe"; hello?: null; ping?: null; describe: shoal.control.DescribeRequest.$Shape; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "prepare"; hello?: null; ping?: null; describe?: null; prepare: shoal.control.PrepareRequest.$Shape; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "load"; hello?: null; ping?: null; describe?: null; prepare?: null; load: shoal.control.LoadRequest.$Shape; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "release"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release: shoal.control.ReleaseRequest.$Shape; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "report"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report: shoal.control.ReportRequest.$Shape; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "generate"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate: shoal.control.GenerateRequest.$Shape; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "listInstances"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances: shoal.control.ListInstancesRequest.$Shape; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "listNodes"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes: shoal.control.ListNodesRequest.$Shape; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "loadModel"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel: shoal.control.LoadModelRequest.$Shape; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "unloadModel"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel: shoal.control.UnloadModelRequest.$Shape; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "explain"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain: shoal.control.ExplainRequest.$Shape; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "watch"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch: shoal.control.WatchRequest.$Shape; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "statistics"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics: shoal.control.StatisticsRequest.$Shape; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "logs"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs: shoal.control.LogsRequest.$Shape; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "drain"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain: shoal.control.DrainRequest.$Shape; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "moveModel"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel: shoal.control.MoveModelRequest.$Shape; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "links"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links: shoal.control.LinksRequest.$Shape; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "topology"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology: shoal.control.TopologyRequest.$Shape; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "goodbye"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye: shoal.control.Goodbye.$Shape; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "readiness"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness: shoal.control.ReadinessRequest.$Shape; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "clock"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock: shoal.control.ClockRequest.$Shape; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "consensus"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus: shoal.control.ConsensusRequest.$Shape; clusterState?: null; operate?: null; adopt?: null }|{ method?: "clusterState"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState: shoal.control.ClusterStateRequest.$Shape; operate?: null; adopt?: null }|{ method?: "operate"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate: shoal.control.OperateRequest.$Shape; adopt?: null }|{ method?: "adopt"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt: shoal.control.AdoptRequest.$Shape })
            );
        }

        /**
         * Properties of a Response.
         * @deprecated Use shoal.control.Response.$Properties instead.
         */
        interface IResponse extends shoal.control.Response.$Properties {
        }

        /** Represents a Response. */
        class Response {

            /**
             * Constructs a new Response.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Response.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Response hello. */
            hello?: (shoal.control.Hello.$Properties|null);

            /** Response ping. */
            ping?: (shoal.control.Ping.$Properties|null);

            /** Response describe. */
            describe?: (shoal.control.DescribeResponse.$Properties|null);

            /** Response prepare. */
            prepare?: (shoal.control.PrepareResponse.$Properties|null);

            /** Response load. */
            load?: (shoal.control.LoadResponse.$Properties|null);

            /** Response release. */
            release?: (shoal.control.ReleaseResponse.$Properties|null);

            /** Response report. */
            report?: (shoal.control.ReportResponse.$Properties|null);

            /** Response generate. */
            generate?: (shoal.control.GenerateResponse.$Properties|null);

            /** Response listInstances. */
            listInstances?: (shoal.control.ListInstancesResponse.$Properties|null);

            /** Response listNodes. */
            listNodes?: (shoal.control.ListNodesResponse.$Properties|null);

            /** Response loadModel. */
            loadModel?: (shoal.control.LoadModelResponse.$Properties|null);

            /** Response unloadModel. */
            unloadModel?: (shoal.control.UnloadModelResponse.$Properties|null);

            /** Response explain. */
            explain?: (shoal.control.ExplainResponse.$Properties|null);

            /** Response watch. */
            watch?: (shoal.control.WatchResponse.$Properties|null);

            /** Response statistics. */
            statistics?: (shoal.control.StatisticsResponse.$Properties|null);

            /** Response logs. */
            logs?: (shoal.control.LogsResponse.$Properties|null);

            /** Response drain. */
            drain?: (shoal.control.DrainResponse.$Properties|null);

            /** Response moveModel. */
            moveModel?: (shoal.control.MoveModelResponse.$Properties|null);

            /** Response links. */
            links?: (shoal.control.LinksResponse.$Properties|null);

            /** Response topology. */
            topology?: (shoal.control.TopologyResponse.$Properties|null);

            /** Response goodbye. */
            goodbye?: (shoal.control.Goodbye.$Properties|null);

            /** Response readiness. */
            readiness?: (shoal.control.ReadinessResponse.$Properties|null);

            /** Response clock. */
            clock?: (shoal.control.ClockResponse.$Properties|null);

            /** Response consensus. */
            consensus?: (shoal.control.ConsensusResponse.$Properties|null);

            /** Response clusterState. */
            clusterState?: (shoal.control.ClusterStateResponse.$Properties|null);

            /** Response operate. */
            operate?: (shoal.control.OperateResponse.$Properties|null);

            /** Response adopt. */
            adopt?: (shoal.control.AdoptResponse.$Properties|null);

            /** Response method. */
            method?: ("hello"|"ping"|"describe"|"prepare"|"load"|"release"|"report"|"generate"|"listInstances"|"listNodes"|"loadModel"|"unloadModel"|"explain"|"watch"|"statistics"|"logs"|"drain"|"moveModel"|"links"|"topology"|"goodbye"|"readiness"|"clock"|"consensus"|"clusterState"|"operate"|"adopt");

            /**
             * Creates a new Response instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Response instance
             */
            static create(properties: shoal.control.Response.$Shape): shoal.control.Response & shoal.control.Response.$Shape;
            static create(properties?: shoal.control.Response.$Properties): shoal.control.Response;

            /**
             * Encodes the specified Response message. Does not implicitly {@link shoal.control.Response.verify|verify} messages.
             * @param message Response message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Response.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Response message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Response & shoal.control.Response.$Shape} Response
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Response & shoal.control.Response.$Shape;
        }

        namespace Response {

            /** Properties of a Response. */
            interface $Properties {

                /** Response hello */
                hello?: (shoal.control.Hello.$Properties|null);

                /** Response ping */
                ping?: (shoal.control.Ping.$Properties|null);

                /** Response describe */
                describe?: (shoal.control.DescribeResponse.$Properties|null);

                /** Response prepare */
                prepare?: (shoal.control.PrepareResponse.$Properties|null);

                /** Response load */
                load?: (shoal.control.LoadResponse.$Properties|null);

                /** Response release */
                release?: (shoal.control.ReleaseResponse.$Properties|null);

                /** Response report */
                report?: (shoal.control.ReportResponse.$Properties|null);

                /** Response generate */
                generate?: (shoal.control.GenerateResponse.$Properties|null);

                /** Response listInstances */
                listInstances?: (shoal.control.ListInstancesResponse.$Properties|null);

                /** Response listNodes */
                listNodes?: (shoal.control.ListNodesResponse.$Properties|null);

                /** Response loadModel */
                loadModel?: (shoal.control.LoadModelResponse.$Properties|null);

                /** Response unloadModel */
                unloadModel?: (shoal.control.UnloadModelResponse.$Properties|null);

                /** Response explain */
                explain?: (shoal.control.ExplainResponse.$Properties|null);

                /** Response watch */
                watch?: (shoal.control.WatchResponse.$Properties|null);

                /** Response statistics */
                statistics?: (shoal.control.StatisticsResponse.$Properties|null);

                /** Response logs */
                logs?: (shoal.control.LogsResponse.$Properties|null);

                /** Response drain */
                drain?: (shoal.control.DrainResponse.$Properties|null);

                /** Response moveModel */
                moveModel?: (shoal.control.MoveModelResponse.$Properties|null);

                /** Response links */
                links?: (shoal.control.LinksResponse.$Properties|null);

                /** Response topology */
                topology?: (shoal.control.TopologyResponse.$Properties|null);

                /** Response goodbye */
                goodbye?: (shoal.control.Goodbye.$Properties|null);

                /** Response readiness */
                readiness?: (shoal.control.ReadinessResponse.$Properties|null);

                /** Response clock */
                clock?: (shoal.control.ClockResponse.$Properties|null);

                /** Response consensus */
                consensus?: (shoal.control.ConsensusResponse.$Properties|null);

                /** Response clusterState */
                clusterState?: (shoal.control.ClusterStateResponse.$Properties|null);

                /** Response operate */
                operate?: (shoal.control.OperateResponse.$Properties|null);

                /** Response adopt */
                adopt?: (shoal.control.AdoptResponse.$Properties|null);

                /** Response method */
                method?: ("hello"|"ping"|"describe"|"prepare"|"load"|"release"|"report"|"generate"|"listInstances"|"listNodes"|"loadModel"|"unloadModel"|"explain"|"watch"|"statistics"|"logs"|"drain"|"moveModel"|"links"|"topology"|"goodbye"|"readiness"|"clock"|"consensus"|"clusterState"|"operate"|"adopt");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a Response. */
            type $Shape = {
              hello?: shoal.control.Hello.$Shape|null;
              ping?: shoal.control.Ping.$Shape|null;
              describe?: shoal.control.DescribeResponse.$Shape|null;
              prepare?: shoal.control.PrepareResponse.$Shape|null;
              load?: shoal.control.LoadResponse.$Shape|null;
              release?: shoal.control.ReleaseResponse.$Shape|null;
              report?: shoal.control.ReportResponse.$Shape|null;
              generate?: shoal.control.GenerateResponse.$Shape|null;
              listInstances?: shoal.control.ListInstancesResponse.$Shape|null;
              listNodes?: shoal.control.ListNodesResponse.$Shape|null;
              loadModel?: shoal.control.LoadModelResponse.$Shape|null;
              unloadModel?: shoal.control.UnloadModelResponse.$Shape|null;
              explain?: shoal.control.ExplainResponse.$Shape|null;
              watch?: shoal.control.WatchResponse.$Shape|null;
              statistics?: shoal.control.StatisticsResponse.$Shape|null;
              logs?: shoal.control.LogsResponse.$Shape|null;
              drain?: shoal.control.DrainResponse.$Shape|null;
              moveModel?: shoal.control.MoveModelResponse.$Shape|null;
              links?: shoal.control.LinksResponse.$Shape|null;
              topology?: shoal.control.TopologyResponse.$Shape|null;
              goodbye?: shoal.control.Goodbye.$Shape|null;
              readiness?: shoal.control.ReadinessResponse.$Shape|null;
              clock?: shoal.control.ClockResponse.$Shape|null;
              consensus?: shoal.control.ConsensusResponse.$Shape|null;
              clusterState?: shoal.control.ClusterStateResponse.$Shape|null;
              operate?: shoal.control.OperateResponse.$Shape|null;
              adopt?: shoal.control.AdoptResponse.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ method?: undefined; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "hello"; hello: shoal.control.Hello.$Shape; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "ping"; hello?: null; ping: shoal.control.Ping.$Shape; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "describe"; hello?: null; ping?: null; describe: shoal.control.DescribeResponse.$Shape; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "prepare"; hello?: null; ping?: null; describe?: null; prepare: shoal.control.PrepareResponse.$Shape; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "load"; hello?: null; ping?: null; describe?: null; prepare?: null; load: shoal.control.LoadResponse.$Shape; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "release"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release: shoal.control.ReleaseResponse.$Shape; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "report"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report: shoal.control.ReportResponse.$Shape; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "generate"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate: shoal.control.GenerateResponse.$Shape; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "listInstances"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances: shoal.control.ListInstancesResponse.$Shape; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "listNodes"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes: shoal.control.ListNodesResponse.$Shape; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "loadModel"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel: shoal.control.LoadModelResponse.$Shape; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "unloadModel"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel: shoal.control.UnloadModelResponse.$Shape; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "explain"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain: shoal.control.ExplainResponse.$Shape; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "watch"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch: shoal.control.WatchResponse.$Shape; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "statistics"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics: shoal.control.StatisticsResponse.$Shape; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "logs"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs: shoal.control.LogsResponse.$Shape; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "drain"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain: shoal.control.DrainResponse.$Shape; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "moveModel"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel: shoal.control.MoveModelResponse.$Shape; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "links"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links: shoal.control.LinksResponse.$Shape; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "topology"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology: shoal.control.TopologyResponse.$Shape; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "goodbye"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye: shoal.control.Goodbye.$Shape; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "readiness"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness: shoal.control.ReadinessResponse.$Shape; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "clock"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock: shoal.control.ClockResponse.$Shape; consensus?: null; clusterState?: null; operate?: null; adopt?: null }|{ method?: "consensus"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus: shoal.control.ConsensusResponse.$Shape; clusterState?: null; operate?: null; adopt?: null }|{ method?: "clusterState"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState: shoal.control.ClusterStateResponse.$Shape; operate?: null; adopt?: null }|{ method?: "operate"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate: shoal.control.OperateResponse.$Shape; adopt?: null }|{ method?: "adopt"; hello?: null; ping?: null; describe?: null; prepare?: null; load?: null; release?: null; report?: null; generate?: null; listInstances?: null; listNodes?: null; loadModel?: null; unloadModel?: null; explain?: null; watch?: null; statistics?: null; logs?: null; drain?: null; moveModel?: null; links?: null; topology?: null; goodbye?: null; readiness?: null; clock?: null; consensus?: null; clusterState?: null; operate?: null; adopt: shoal.control.AdoptResponse.$Shape })
            );
        }

        /**
         * Properties of a Complete.
         * @deprecated Use shoal.control.Complete.$Properties instead.
         */
        interface IComplete extends shoal.control.Complete.$Properties {
        }

        /** Represents a Complete. */
        class Complete {

            /**
             * Constructs a new Complete.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Complete.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new Complete instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Complete instance
             */
            static create(properties: shoal.control.Complete.$Shape): shoal.control.Complete & shoal.control.Complete.$Shape;
            static create(properties?: shoal.control.Complete.$Properties): shoal.control.Complete;

            /**
             * Encodes the specified Complete message. Does not implicitly {@link shoal.control.Complete.verify|verify} messages.
             * @param message Complete message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Complete.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Complete message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Complete & shoal.control.Complete.$Shape} Complete
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Complete & shoal.control.Complete.$Shape;
        }

        namespace Complete {

            /** Properties of a Complete. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Complete. */
            type $Shape = shoal.control.Complete.$Properties;
        }

        /**
         * Properties of a Cancel.
         * @deprecated Use shoal.control.Cancel.$Properties instead.
         */
        interface ICancel extends shoal.control.Cancel.$Properties {
        }

        /** Represents a Cancel. */
        class Cancel {

            /**
             * Constructs a new Cancel.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Cancel.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new Cancel instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Cancel instance
             */
            static create(properties: shoal.control.Cancel.$Shape): shoal.control.Cancel & shoal.control.Cancel.$Shape;
            static create(properties?: shoal.control.Cancel.$Properties): shoal.control.Cancel;

            /**
             * Encodes the specified Cancel message. Does not implicitly {@link shoal.control.Cancel.verify|verify} messages.
             * @param message Cancel message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Cancel.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Cancel message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Cancel & shoal.control.Cancel.$Shape} Cancel
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Cancel & shoal.control.Cancel.$Shape;
        }

        namespace Cancel {

            /** Properties of a Cancel. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Cancel. */
            type $Shape = shoal.control.Cancel.$Properties;
        }

        /**
         * Properties of a Failure.
         * @deprecated Use shoal.control.Failure.$Properties instead.
         */
        interface IFailure extends shoal.control.Failure.$Properties {
        }

        /** Represents a Failure. */
        class Failure {

            /**
             * Constructs a new Failure.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Failure.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Failure code. */
            code: string;

            /** Failure message. */
            message: string;

            /** Failure detailsJson. */
            detailsJson: string;

            /**
             * Creates a new Failure instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Failure instance
             */
            static create(properties: shoal.control.Failure.$Shape): shoal.control.Failure & shoal.control.Failure.$Shape;
            static create(properties?: shoal.control.Failure.$Properties): shoal.control.Failure;

            /**
             * Encodes the specified Failure message. Does not implicitly {@link shoal.control.Failure.verify|verify} messages.
             * @param message Failure message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Failure.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Failure message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Failure & shoal.control.Failure.$Shape} Failure
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Failure & shoal.control.Failure.$Shape;
        }

        namespace Failure {

            /** Properties of a Failure. */
            interface $Properties {

                /** Failure code */
                code?: (string|null);

                /** Failure message */
                message?: (string|null);

                /** Failure detailsJson */
                detailsJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Failure. */
            type $Shape = shoal.control.Failure.$Properties;
        }

        /**
         * Properties of a Hello.
         * @deprecated Use shoal.control.Hello.$Properties instead.
         */
        interface IHello extends shoal.control.Hello.$Properties {
        }

        /** Represents a Hello. */
        class Hello {

            /**
             * Constructs a new Hello.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Hello.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Hello protocolVersion. */
            protocolVersion: number;

            /** Hello softwareVersion. */
            softwareVersion: string;

            /** Hello nodeId. */
            nodeId: string;

            /** Hello nodeName. */
            nodeName: string;

            /** Hello role. */
            role: shoal.control.Hello.Role;

            /** Hello addresses. */
            addresses: string[];

            /** Hello incarnation. */
            incarnation: string;

            /** Hello pulsePort. */
            pulsePort: number;

            /**
             * Creates a new Hello instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Hello instance
             */
            static create(properties: shoal.control.Hello.$Shape): shoal.control.Hello & shoal.control.Hello.$Shape;
            static create(properties?: shoal.control.Hello.$Properties): shoal.control.Hello;

            /**
             * Encodes the specified Hello message. Does not implicitly {@link shoal.control.Hello.verify|verify} messages.
             * @param message Hello message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Hello.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Hello message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Hello & shoal.control.Hello.$Shape} Hello
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Hello & shoal.control.Hello.$Shape;
        }

        namespace Hello {

            /** Properties of a Hello. */
            interface $Properties {

                /** Hello protocolVersion */
                protocolVersion?: (number|null);

                /** Hello softwareVersion */
                softwareVersion?: (string|null);

                /** Hello nodeId */
                nodeId?: (string|null);

                /** Hello nodeName */
                nodeName?: (string|null);

                /** Hello role */
                role?: (shoal.control.Hello.Role|null);

                /** Hello addresses */
                addresses?: (string[]|null);

                /** Hello incarnation */
                incarnation?: (string|null);

                /** Hello pulsePort */
                pulsePort?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Hello. */
            type $Shape = shoal.control.Hello.$Properties;

            /** Role enum. */
            enum Role {

                /** NODE value */
                NODE = 0,

                /** CLIENT value */
                CLIENT = 1
            }
        }

        /**
         * Properties of a Goodbye.
         * @deprecated Use shoal.control.Goodbye.$Properties instead.
         */
        interface IGoodbye extends shoal.control.Goodbye.$Properties {
        }

        /** Represents a Goodbye. */
        class Goodbye {

            /**
             * Constructs a new Goodbye.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Goodbye.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new Goodbye instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Goodbye instance
             */
            static create(properties: shoal.control.Goodbye.$Shape): shoal.control.Goodbye & shoal.control.Goodbye.$Shape;
            static create(properties?: shoal.control.Goodbye.$Properties): shoal.control.Goodbye;

            /**
             * Encodes the specified Goodbye message. Does not implicitly {@link shoal.control.Goodbye.verify|verify} messages.
             * @param message Goodbye message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Goodbye.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Goodbye message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Goodbye & shoal.control.Goodbye.$Shape} Goodbye
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Goodbye & shoal.control.Goodbye.$Shape;
        }

        namespace Goodbye {

            /** Properties of a Goodbye. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Goodbye. */
            type $Shape = shoal.control.Goodbye.$Properties;
        }

        /**
         * Properties of a Ping.
         * @deprecated Use shoal.control.Ping.$Properties instead.
         */
        interface IPing extends shoal.control.Ping.$Properties {
        }

        /** Represents a Ping. */
        class Ping {

            /**
             * Constructs a new Ping.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Ping.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new Ping instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Ping instance
             */
            static create(properties: shoal.control.Ping.$Shape): shoal.control.Ping & shoal.control.Ping.$Shape;
            static create(properties?: shoal.control.Ping.$Properties): shoal.control.Ping;

            /**
             * Encodes the specified Ping message. Does not implicitly {@link shoal.control.Ping.verify|verify} messages.
             * @param message Ping message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Ping.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Ping message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Ping & shoal.control.Ping.$Shape} Ping
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Ping & shoal.control.Ping.$Shape;
        }

        namespace Ping {

            /** Properties of a Ping. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Ping. */
            type $Shape = shoal.control.Ping.$Properties;
        }

        /**
         * Properties of a DescribeRequest.
         * @deprecated Use shoal.control.DescribeRequest.$Properties instead.
         */
        interface IDescribeRequest extends shoal.control.DescribeRequest.$Properties {
        }

        /** Represents a DescribeRequest. */
        class DescribeRequest {

            /**
             * Constructs a new DescribeRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.DescribeRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** DescribeRequest model. */
            model: string;

            /** DescribeRequest storageTypes. */
            storageTypes: string[];

            /**
             * Creates a new DescribeRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns DescribeRequest instance
             */
            static create(properties: shoal.control.DescribeRequest.$Shape): shoal.control.DescribeRequest & shoal.control.DescribeRequest.$Shape;
            static create(properties?: shoal.control.DescribeRequest.$Properties): shoal.control.DescribeRequest;

            /**
             * Encodes the specified DescribeRequest message. Does not implicitly {@link shoal.control.DescribeRequest.verify|verify} messages.
             * @param message DescribeRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.DescribeRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a DescribeRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.DescribeRequest & shoal.control.DescribeRequest.$Shape} DescribeRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.DescribeRequest & shoal.control.DescribeRequest.$Shape;
        }

        namespace DescribeRequest {

            /** Properties of a DescribeRequest. */
            interface $Properties {

                /** DescribeRequest model */
                model?: (string|null);

                /** DescribeRequest storageTypes */
                storageTypes?: (string[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a DescribeRequest. */
            type $Shape = shoal.control.DescribeRequest.$Properties;
        }

        /**
         * Properties of a DescribeResponse.
         * @deprecated Use shoal.control.DescribeResponse.$Properties instead.
         */
        interface IDescribeResponse extends shoal.control.DescribeResponse.$Properties {
        }

        /** Represents a DescribeResponse. */
        class DescribeResponse {

            /**
             * Constructs a new DescribeResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.DescribeResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** DescribeResponse factsJson. */
            factsJson: string;

            /**
             * Creates a new DescribeResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns DescribeResponse instance
             */
            static create(properties: shoal.control.DescribeResponse.$Shape): shoal.control.DescribeResponse & shoal.control.DescribeResponse.$Shape;
            static create(properties?: shoal.control.DescribeResponse.$Properties): shoal.control.DescribeResponse;

            /**
             * Encodes the specified DescribeResponse message. Does not implicitly {@link shoal.control.DescribeResponse.verify|verify} messages.
             * @param message DescribeResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.DescribeResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a DescribeResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.DescribeResponse & shoal.control.DescribeResponse.$Shape} DescribeResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.DescribeResponse & shoal.control.DescribeResponse.$Shape;
        }

        namespace DescribeResponse {

            /** Properties of a DescribeResponse. */
            interface $Properties {

                /** DescribeResponse factsJson */
                factsJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a DescribeResponse. */
            type $Shape = shoal.control.DescribeResponse.$Properties;
        }

        /**
         * Properties of a Credentials.
         * @deprecated Use shoal.control.Credentials.$Properties instead.
         */
        interface ICredentials extends shoal.control.Credentials.$Properties {
        }

        /** Represents a Credentials. */
        class Credentials {

            /**
             * Constructs a new Credentials.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Credentials.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Credentials instance. */
            instance: string;

            /** Credentials epoch. */
            epoch: number;

            /** Credentials secret. */
            secret: string;

            /**
             * Creates a new Credentials instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Credentials instance
             */
            static create(properties: shoal.control.Credentials.$Shape): shoal.control.Credentials & shoal.control.Credentials.$Shape;
            static create(properties?: shoal.control.Credentials.$Properties): shoal.control.Credentials;

            /**
             * Encodes the specified Credentials message. Does not implicitly {@link shoal.control.Credentials.verify|verify} messages.
             * @param message Credentials message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Credentials.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Credentials message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Credentials & shoal.control.Credentials.$Shape} Credentials
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Credentials & shoal.control.Credentials.$Shape;
        }

        namespace Credentials {

            /** Properties of a Credentials. */
            interface $Properties {

                /** Credentials instance */
                instance?: (string|null);

                /** Credentials epoch */
                epoch?: (number|null);

                /** Credentials secret */
                secret?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Credentials. */
            type $Shape = shoal.control.Credentials.$Properties;
        }

        /**
         * Properties of a MemberAddress.
         * @deprecated Use shoal.control.MemberAddress.$Properties instead.
         */
        interface IMemberAddress extends shoal.control.MemberAddress.$Properties {
        }

        /** Represents a MemberAddress. */
        class MemberAddress {

            /**
             * Constructs a new MemberAddress.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.MemberAddress.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** MemberAddress stage. */
            stage: number;

            /** MemberAddress member. */
            member: number;

            /**
             * Creates a new MemberAddress instance using the specified properties.
             * @param [properties] Properties to set
             * @returns MemberAddress instance
             */
            static create(properties: shoal.control.MemberAddress.$Shape): shoal.control.MemberAddress & shoal.control.MemberAddress.$Shape;
            static create(properties?: shoal.control.MemberAddress.$Properties): shoal.control.MemberAddress;

            /**
             * Encodes the specified MemberAddress message. Does not implicitly {@link shoal.control.MemberAddress.verify|verify} messages.
             * @param message MemberAddress message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.MemberAddress.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a MemberAddress message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.MemberAddress & shoal.control.MemberAddress.$Shape} MemberAddress
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.MemberAddress & shoal.control.MemberAddress.$Shape;
        }

        namespace MemberAddress {

            /** Properties of a MemberAddress. */
            interface $Properties {

                /** MemberAddress stage */
                stage?: (number|null);

                /** MemberAddress member */
                member?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a MemberAddress. */
            type $Shape = shoal.control.MemberAddress.$Properties;
        }

        /**
         * Properties of a PrepareRequest.
         * @deprecated Use shoal.control.PrepareRequest.$Properties instead.
         */
        interface IPrepareRequest extends shoal.control.PrepareRequest.$Properties {
        }

        /** Represents a PrepareRequest. */
        class PrepareRequest {

            /**
             * Constructs a new PrepareRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.PrepareRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PrepareRequest credentials. */
            credentials?: (shoal.control.Credentials.$Properties|null);

            /** PrepareRequest self. */
            self?: (shoal.control.MemberAddress.$Properties|null);

            /** PrepareRequest planJson. */
            planJson: string;

            /** PrepareRequest transport. */
            transport: string;

            /** PrepareRequest model. */
            model: string;

            /** PrepareRequest replaces. */
            replaces: string[];

            /** PrepareRequest optionsJson. */
            optionsJson: string;

            /**
             * Creates a new PrepareRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PrepareRequest instance
             */
            static create(properties: shoal.control.PrepareRequest.$Shape): shoal.control.PrepareRequest & shoal.control.PrepareRequest.$Shape;
            static create(properties?: shoal.control.PrepareRequest.$Properties): shoal.control.PrepareRequest;

            /**
             * Encodes the specified PrepareRequest message. Does not implicitly {@link shoal.control.PrepareRequest.verify|verify} messages.
             * @param message PrepareRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.PrepareRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PrepareRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.PrepareRequest & shoal.control.PrepareRequest.$Shape} PrepareRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.PrepareRequest & shoal.control.PrepareRequest.$Shape;
        }

        namespace PrepareRequest {

            /** Properties of a PrepareRequest. */
            interface $Properties {

                /** PrepareRequest credentials */
                credentials?: (shoal.control.Credentials.$Properties|null);

                /** PrepareRequest self */
                self?: (shoal.control.MemberAddress.$Properties|null);

                /** PrepareRequest planJson */
                planJson?: (string|null);

                /** PrepareRequest transport */
                transport?: (string|null);

                /** PrepareRequest model */
                model?: (string|null);

                /** PrepareRequest replaces */
                replaces?: (string[]|null);

                /** PrepareRequest optionsJson */
                optionsJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PrepareRequest. */
            type $Shape = shoal.control.PrepareRequest.$Properties;
        }

        /**
         * Properties of a PrepareResponse.
         * @deprecated Use shoal.control.PrepareResponse.$Properties instead.
         */
        interface IPrepareResponse extends shoal.control.PrepareResponse.$Properties {
        }

        /** Represents a PrepareResponse. */
        class PrepareResponse {

            /**
             * Constructs a new PrepareResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.PrepareResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PrepareResponse endpointJson. */
            endpointJson: string;

            /**
             * Creates a new PrepareResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PrepareResponse instance
             */
            static create(properties: shoal.control.PrepareResponse.$Shape): shoal.control.PrepareResponse & shoal.control.PrepareResponse.$Shape;
            static create(properties?: shoal.control.PrepareResponse.$Properties): shoal.control.PrepareResponse;

            /**
             * Encodes the specified PrepareResponse message. Does not implicitly {@link shoal.control.PrepareResponse.verify|verify} messages.
             * @param message PrepareResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.PrepareResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PrepareResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.PrepareResponse & shoal.control.PrepareResponse.$Shape} PrepareResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.PrepareResponse & shoal.control.PrepareResponse.$Shape;
        }

        namespace PrepareResponse {

            /** Properties of a PrepareResponse. */
            interface $Properties {

                /** PrepareResponse endpointJson */
                endpointJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PrepareResponse. */
            type $Shape = shoal.control.PrepareResponse.$Properties;
        }

        /**
         * Properties of a LoadRequest.
         * @deprecated Use shoal.control.LoadRequest.$Properties instead.
         */
        interface ILoadRequest extends shoal.control.LoadRequest.$Properties {
        }

        /** Represents a LoadRequest. */
        class LoadRequest {

            /**
             * Constructs a new LoadRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.LoadRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LoadRequest instance. */
            instance: string;

            /** LoadRequest epoch. */
            epoch: number;

            /** LoadRequest self. */
            self?: (shoal.control.MemberAddress.$Properties|null);

            /** LoadRequest endpointsJson. */
            endpointsJson: string;

            /** LoadRequest threads. */
            threads: number;

            /** LoadRequest queueCapacity. */
            queueCapacity?: (number|null);

            /**
             * Creates a new LoadRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns LoadRequest instance
             */
            static create(properties: shoal.control.LoadRequest.$Shape): shoal.control.LoadRequest & shoal.control.LoadRequest.$Shape;
            static create(properties?: shoal.control.LoadRequest.$Properties): shoal.control.LoadRequest;

            /**
             * Encodes the specified LoadRequest message. Does not implicitly {@link shoal.control.LoadRequest.verify|verify} messages.
             * @param message LoadRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.LoadRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LoadRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.LoadRequest & shoal.control.LoadRequest.$Shape} LoadRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.LoadRequest & shoal.control.LoadRequest.$Shape;
        }

        namespace LoadRequest {

            /** Properties of a LoadRequest. */
            interface $Properties {

                /** LoadRequest instance */
                instance?: (string|null);

                /** LoadRequest epoch */
                epoch?: (number|null);

                /** LoadRequest self */
                self?: (shoal.control.MemberAddress.$Properties|null);

                /** LoadRequest endpointsJson */
                endpointsJson?: (string|null);

                /** LoadRequest threads */
                threads?: (number|null);

                /** LoadRequest queueCapacity */
                queueCapacity?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LoadRequest. */
            type $Shape = shoal.control.LoadRequest.$Properties;
        }

        /**
         * Properties of a LoadResponse.
         * @deprecated Use shoal.control.LoadResponse.$Properties instead.
         */
        interface ILoadResponse extends shoal.control.LoadResponse.$Properties {
        }

        /** Represents a LoadResponse. */
        class LoadResponse {

            /**
             * Constructs a new LoadResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.LoadResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LoadResponse progress. */
            progress?: (shoal.control.LoadProgress.$Properties|null);

            /** LoadResponse ready. */
            ready?: (shoal.control.Ready.$Properties|null);

            /** LoadResponse event. */
            event?: ("progress"|"ready");

            /**
             * Creates a new LoadResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns LoadResponse instance
             */
            static create(properties: shoal.control.LoadResponse.$Shape): shoal.control.LoadResponse & shoal.control.LoadResponse.$Shape;
            static create(properties?: shoal.control.LoadResponse.$Properties): shoal.control.LoadResponse;

            /**
             * Encodes the specified LoadResponse message. Does not implicitly {@link shoal.control.LoadResponse.verify|verify} messages.
             * @param message LoadResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.LoadResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LoadResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.LoadResponse & shoal.control.LoadResponse.$Shape} LoadResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.LoadResponse & shoal.control.LoadResponse.$Shape;
        }

        namespace LoadResponse {

            /** Properties of a LoadResponse. */
            interface $Properties {

                /** LoadResponse progress */
                progress?: (shoal.control.LoadProgress.$Properties|null);

                /** LoadResponse ready */
                ready?: (shoal.control.Ready.$Properties|null);

                /** LoadResponse event */
                event?: ("progress"|"ready");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a LoadResponse. */
            type $Shape = {
              progress?: shoal.control.LoadProgress.$Shape|null;
              ready?: shoal.control.Ready.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ event?: undefined; progress?: null; ready?: null }|{ event?: "progress"; progress: shoal.control.LoadProgress.$Shape; ready?: null }|{ event?: "ready"; progress?: null; ready: shoal.control.Ready.$Shape })
            );
        }

        /**
         * Properties of a LoadProgress.
         * @deprecated Use shoal.control.LoadProgress.$Properties instead.
         */
        interface ILoadProgress extends shoal.control.LoadProgress.$Properties {
        }

        /** Represents a LoadProgress. */
        class LoadProgress {

            /**
             * Constructs a new LoadProgress.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.LoadProgress.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LoadProgress nodeId. */
            nodeId: string;

            /** LoadProgress stage. */
            stage: number;

            /** LoadProgress member. */
            member: number;

            /** LoadProgress loadedBytes. */
            loadedBytes: number;

            /** LoadProgress totalBytes. */
            totalBytes: number;

            /** LoadProgress nodeName. */
            nodeName: string;

            /**
             * Creates a new LoadProgress instance using the specified properties.
             * @param [properties] Properties to set
             * @returns LoadProgress instance
             */
            static create(properties: shoal.control.LoadProgress.$Shape): shoal.control.LoadProgress & shoal.control.LoadProgress.$Shape;
            static create(properties?: shoal.control.LoadProgress.$Properties): shoal.control.LoadProgress;

            /**
             * Encodes the specified LoadProgress message. Does not implicitly {@link shoal.control.LoadProgress.verify|verify} messages.
             * @param message LoadProgress message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.LoadProgress.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LoadProgress message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.LoadProgress & shoal.control.LoadProgress.$Shape} LoadProgress
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.LoadProgress & shoal.control.LoadProgress.$Shape;
        }

        namespace LoadProgress {

            /** Properties of a LoadProgress. */
            interface $Properties {

                /** LoadProgress nodeId */
                nodeId?: (string|null);

                /** LoadProgress stage */
                stage?: (number|null);

                /** LoadProgress member */
                member?: (number|null);

                /** LoadProgress loadedBytes */
                loadedBytes?: (number|null);

                /** LoadProgress totalBytes */
                totalBytes?: (number|null);

                /** LoadProgress nodeName */
                nodeName?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LoadProgress. */
            type $Shape = shoal.control.LoadProgress.$Properties;
        }

        /**
         * Properties of a Ready.
         * @deprecated Use shoal.control.Ready.$Properties instead.
         */
        interface IReady extends shoal.control.Ready.$Properties {
        }

        /** Represents a Ready. */
        class Ready {

            /**
             * Constructs a new Ready.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Ready.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new Ready instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Ready instance
             */
            static create(properties: shoal.control.Ready.$Shape): shoal.control.Ready & shoal.control.Ready.$Shape;
            static create(properties?: shoal.control.Ready.$Properties): shoal.control.Ready;

            /**
             * Encodes the specified Ready message. Does not implicitly {@link shoal.control.Ready.verify|verify} messages.
             * @param message Ready message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Ready.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Ready message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Ready & shoal.control.Ready.$Shape} Ready
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Ready & shoal.control.Ready.$Shape;
        }

        namespace Ready {

            /** Properties of a Ready. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Ready. */
            type $Shape = shoal.control.Ready.$Properties;
        }

        /**
         * Properties of a ReleaseRequest.
         * @deprecated Use shoal.control.ReleaseRequest.$Properties instead.
         */
        interface IReleaseRequest extends shoal.control.ReleaseRequest.$Properties {
        }

        /** Represents a ReleaseRequest. */
        class ReleaseRequest {

            /**
             * Constructs a new ReleaseRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ReleaseRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ReleaseRequest instance. */
            instance: string;

            /** ReleaseRequest epoch. */
            epoch: number;

            /**
             * Creates a new ReleaseRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ReleaseRequest instance
             */
            static create(properties: shoal.control.ReleaseRequest.$Shape): shoal.control.ReleaseRequest & shoal.control.ReleaseRequest.$Shape;
            static create(properties?: shoal.control.ReleaseRequest.$Properties): shoal.control.ReleaseRequest;

            /**
             * Encodes the specified ReleaseRequest message. Does not implicitly {@link shoal.control.ReleaseRequest.verify|verify} messages.
             * @param message ReleaseRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ReleaseRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ReleaseRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ReleaseRequest & shoal.control.ReleaseRequest.$Shape} ReleaseRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ReleaseRequest & shoal.control.ReleaseRequest.$Shape;
        }

        namespace ReleaseRequest {

            /** Properties of a ReleaseRequest. */
            interface $Properties {

                /** ReleaseRequest instance */
                instance?: (string|null);

                /** ReleaseRequest epoch */
                epoch?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ReleaseRequest. */
            type $Shape = shoal.control.ReleaseRequest.$Properties;
        }

        /**
         * Properties of a ReleaseResponse.
         * @deprecated Use shoal.control.ReleaseResponse.$Properties instead.
         */
        interface IReleaseResponse extends shoal.control.ReleaseResponse.$Properties {
        }

        /** Represents a ReleaseResponse. */
        class ReleaseResponse {

            /**
             * Constructs a new ReleaseResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ReleaseResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new ReleaseResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ReleaseResponse instance
             */
            static create(properties: shoal.control.ReleaseResponse.$Shape): shoal.control.ReleaseResponse & shoal.control.ReleaseResponse.$Shape;
            static create(properties?: shoal.control.ReleaseResponse.$Properties): shoal.control.ReleaseResponse;

            /**
             * Encodes the specified ReleaseResponse message. Does not implicitly {@link shoal.control.ReleaseResponse.verify|verify} messages.
             * @param message ReleaseResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ReleaseResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ReleaseResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ReleaseResponse & shoal.control.ReleaseResponse.$Shape} ReleaseResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ReleaseResponse & shoal.control.ReleaseResponse.$Shape;
        }

        namespace ReleaseResponse {

            /** Properties of a ReleaseResponse. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ReleaseResponse. */
            type $Shape = shoal.control.ReleaseResponse.$Properties;
        }

        /**
         * Properties of an AdoptRequest.
         * @deprecated Use shoal.control.AdoptRequest.$Properties instead.
         */
        interface IAdoptRequest extends shoal.control.AdoptRequest.$Properties {
        }

        /** Represents an AdoptRequest. */
        class AdoptRequest {

            /**
             * Constructs a new AdoptRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.AdoptRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** AdoptRequest instance. */
            instance: string;

            /** AdoptRequest replaces. */
            replaces: string[];

            /**
             * Creates a new AdoptRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns AdoptRequest instance
             */
            static create(properties: shoal.control.AdoptRequest.$Shape): shoal.control.AdoptRequest & shoal.control.AdoptRequest.$Shape;
            static create(properties?: shoal.control.AdoptRequest.$Properties): shoal.control.AdoptRequest;

            /**
             * Encodes the specified AdoptRequest message. Does not implicitly {@link shoal.control.AdoptRequest.verify|verify} messages.
             * @param message AdoptRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.AdoptRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an AdoptRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.AdoptRequest & shoal.control.AdoptRequest.$Shape} AdoptRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.AdoptRequest & shoal.control.AdoptRequest.$Shape;
        }

        namespace AdoptRequest {

            /** Properties of an AdoptRequest. */
            interface $Properties {

                /** AdoptRequest instance */
                instance?: (string|null);

                /** AdoptRequest replaces */
                replaces?: (string[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an AdoptRequest. */
            type $Shape = shoal.control.AdoptRequest.$Properties;
        }

        /**
         * Properties of an AdoptResponse.
         * @deprecated Use shoal.control.AdoptResponse.$Properties instead.
         */
        interface IAdoptResponse extends shoal.control.AdoptResponse.$Properties {
        }

        /** Represents an AdoptResponse. */
        class AdoptResponse {

            /**
             * Constructs a new AdoptResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.AdoptResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new AdoptResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns AdoptResponse instance
             */
            static create(properties: shoal.control.AdoptResponse.$Shape): shoal.control.AdoptResponse & shoal.control.AdoptResponse.$Shape;
            static create(properties?: shoal.control.AdoptResponse.$Properties): shoal.control.AdoptResponse;

            /**
             * Encodes the specified AdoptResponse message. Does not implicitly {@link shoal.control.AdoptResponse.verify|verify} messages.
             * @param message AdoptResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.AdoptResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an AdoptResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.AdoptResponse & shoal.control.AdoptResponse.$Shape} AdoptResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.AdoptResponse & shoal.control.AdoptResponse.$Shape;
        }

        namespace AdoptResponse {

            /** Properties of an AdoptResponse. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an AdoptResponse. */
            type $Shape = shoal.control.AdoptResponse.$Properties;
        }

        /**
         * Properties of a DrainRequest.
         * @deprecated Use shoal.control.DrainRequest.$Properties instead.
         */
        interface IDrainRequest extends shoal.control.DrainRequest.$Properties {
        }

        /** Represents a DrainRequest. */
        class DrainRequest {

            /**
             * Constructs a new DrainRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.DrainRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** DrainRequest instance. */
            instance: string;

            /** DrainRequest successor. */
            successor: string;

            /** DrainRequest deadlineMilliseconds. */
            deadlineMilliseconds: number;

            /**
             * Creates a new DrainRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns DrainRequest instance
             */
            static create(properties: shoal.control.DrainRequest.$Shape): shoal.control.DrainRequest & shoal.control.DrainRequest.$Shape;
            static create(properties?: shoal.control.DrainRequest.$Properties): shoal.control.DrainRequest;

            /**
             * Encodes the specified DrainRequest message. Does not implicitly {@link shoal.control.DrainRequest.verify|verify} messages.
             * @param message DrainRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.DrainRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a DrainRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.DrainRequest & shoal.control.DrainRequest.$Shape} DrainRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.DrainRequest & shoal.control.DrainRequest.$Shape;
        }

        namespace DrainRequest {

            /** Properties of a DrainRequest. */
            interface $Properties {

                /** DrainRequest instance */
                instance?: (string|null);

                /** DrainRequest successor */
                successor?: (string|null);

                /** DrainRequest deadlineMilliseconds */
                deadlineMilliseconds?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a DrainRequest. */
            type $Shape = shoal.control.DrainRequest.$Properties;
        }

        /**
         * Properties of a DrainResponse.
         * @deprecated Use shoal.control.DrainResponse.$Properties instead.
         */
        interface IDrainResponse extends shoal.control.DrainResponse.$Properties {
        }

        /** Represents a DrainResponse. */
        class DrainResponse {

            /**
             * Constructs a new DrainResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.DrainResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** DrainResponse remainingRequests. */
            remainingRequests: number;

            /**
             * Creates a new DrainResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns DrainResponse instance
             */
            static create(properties: shoal.control.DrainResponse.$Shape): shoal.control.DrainResponse & shoal.control.DrainResponse.$Shape;
            static create(properties?: shoal.control.DrainResponse.$Properties): shoal.control.DrainResponse;

            /**
             * Encodes the specified DrainResponse message. Does not implicitly {@link shoal.control.DrainResponse.verify|verify} messages.
             * @param message DrainResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.DrainResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a DrainResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.DrainResponse & shoal.control.DrainResponse.$Shape} DrainResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.DrainResponse & shoal.control.DrainResponse.$Shape;
        }

        namespace DrainResponse {

            /** Properties of a DrainResponse. */
            interface $Properties {

                /** DrainResponse remainingRequests */
                remainingRequests?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a DrainResponse. */
            type $Shape = shoal.control.DrainResponse.$Properties;
        }

        /**
         * Properties of a ReportRequest.
         * @deprecated Use shoal.control.ReportRequest.$Properties instead.
         */
        interface IReportRequest extends shoal.control.ReportRequest.$Properties {
        }

        /** Represents a ReportRequest. */
        class ReportRequest {

            /**
             * Constructs a new ReportRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ReportRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ReportRequest instance. */
            instance?: (shoal.control.InstanceSummary.$Properties|null);

            /** ReportRequest failure. */
            failure?: (shoal.control.Failure.$Properties|null);

            /**
             * Creates a new ReportRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ReportRequest instance
             */
            static create(properties: shoal.control.ReportRequest.$Shape): shoal.control.ReportRequest & shoal.control.ReportRequest.$Shape;
            static create(properties?: shoal.control.ReportRequest.$Properties): shoal.control.ReportRequest;

            /**
             * Encodes the specified ReportRequest message. Does not implicitly {@link shoal.control.ReportRequest.verify|verify} messages.
             * @param message ReportRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ReportRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ReportRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ReportRequest & shoal.control.ReportRequest.$Shape} ReportRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ReportRequest & shoal.control.ReportRequest.$Shape;
        }

        namespace ReportRequest {

            /** Properties of a ReportRequest. */
            interface $Properties {

                /** ReportRequest instance */
                instance?: (shoal.control.InstanceSummary.$Properties|null);

                /** ReportRequest failure */
                failure?: (shoal.control.Failure.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ReportRequest. */
            type $Shape = shoal.control.ReportRequest.$Properties;
        }

        /**
         * Properties of a ReportResponse.
         * @deprecated Use shoal.control.ReportResponse.$Properties instead.
         */
        interface IReportResponse extends shoal.control.ReportResponse.$Properties {
        }

        /** Represents a ReportResponse. */
        class ReportResponse {

            /**
             * Constructs a new ReportResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ReportResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new ReportResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ReportResponse instance
             */
            static create(properties: shoal.control.ReportResponse.$Shape): shoal.control.ReportResponse & shoal.control.ReportResponse.$Shape;
            static create(properties?: shoal.control.ReportResponse.$Properties): shoal.control.ReportResponse;

            /**
             * Encodes the specified ReportResponse message. Does not implicitly {@link shoal.control.ReportResponse.verify|verify} messages.
             * @param message ReportResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ReportResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ReportResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ReportResponse & shoal.control.ReportResponse.$Shape} ReportResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ReportResponse & shoal.control.ReportResponse.$Shape;
        }

        namespace ReportResponse {

            /** Properties of a ReportResponse. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ReportResponse. */
            type $Shape = shoal.control.ReportResponse.$Properties;
        }

        /**
         * Properties of a ChatMessage.
         * @deprecated Use shoal.control.ChatMessage.$Properties instead.
         */
        interface IChatMessage extends shoal.control.ChatMessage.$Properties {
        }

        /** Represents a ChatMessage. */
        class ChatMessage {

            /**
             * Constructs a new ChatMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ChatMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ChatMessage role. */
            role: string;

            /** ChatMessage content. */
            content: string;

            /** ChatMessage reasoning. */
            reasoning?: (string|null);

            /** ChatMessage toolCalls. */
            toolCalls: shoal.control.ToolCall.$Properties[];

            /** ChatMessage toolCallId. */
            toolCallId?: (string|null);

            /** ChatMessage name. */
            name?: (string|null);

            /**
             * Creates a new ChatMessage instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ChatMessage instance
             */
            static create(properties: shoal.control.ChatMessage.$Shape): shoal.control.ChatMessage & shoal.control.ChatMessage.$Shape;
            static create(properties?: shoal.control.ChatMessage.$Properties): shoal.control.ChatMessage;

            /**
             * Encodes the specified ChatMessage message. Does not implicitly {@link shoal.control.ChatMessage.verify|verify} messages.
             * @param message ChatMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ChatMessage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ChatMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ChatMessage & shoal.control.ChatMessage.$Shape} ChatMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ChatMessage & shoal.control.ChatMessage.$Shape;
        }

        namespace ChatMessage {

            /** Properties of a ChatMessage. */
            interface $Properties {

                /** ChatMessage role */
                role?: (string|null);

                /** ChatMessage content */
                content?: (string|null);

                /** ChatMessage reasoning */
                reasoning?: (string|null);

                /** ChatMessage toolCalls */
                toolCalls?: (shoal.control.ToolCall.$Properties[]|null);

                /** ChatMessage toolCallId */
                toolCallId?: (string|null);

                /** ChatMessage name */
                name?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ChatMessage. */
            type $Shape = shoal.control.ChatMessage.$Properties;
        }

        /**
         * Properties of a ToolCall.
         * @deprecated Use shoal.control.ToolCall.$Properties instead.
         */
        interface IToolCall extends shoal.control.ToolCall.$Properties {
        }

        /** Represents a ToolCall. */
        class ToolCall {

            /**
             * Constructs a new ToolCall.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ToolCall.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ToolCall id. */
            id: string;

            /** ToolCall name. */
            name: string;

            /** ToolCall arguments. */
            arguments: string;

            /**
             * Creates a new ToolCall instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ToolCall instance
             */
            static create(properties: shoal.control.ToolCall.$Shape): shoal.control.ToolCall & shoal.control.ToolCall.$Shape;
            static create(properties?: shoal.control.ToolCall.$Properties): shoal.control.ToolCall;

            /**
             * Encodes the specified ToolCall message. Does not implicitly {@link shoal.control.ToolCall.verify|verify} messages.
             * @param message ToolCall message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ToolCall.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ToolCall message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ToolCall & shoal.control.ToolCall.$Shape} ToolCall
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ToolCall & shoal.control.ToolCall.$Shape;
        }

        namespace ToolCall {

            /** Properties of a ToolCall. */
            interface $Properties {

                /** ToolCall id */
                id?: (string|null);

                /** ToolCall name */
                name?: (string|null);

                /** ToolCall arguments */
                "arguments"?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ToolCall. */
            type $Shape = shoal.control.ToolCall.$Properties;
        }

        /**
         * Properties of a Conversation.
         * @deprecated Use shoal.control.Conversation.$Properties instead.
         */
        interface IConversation extends shoal.control.Conversation.$Properties {
        }

        /** Represents a Conversation. */
        class Conversation {

            /**
             * Constructs a new Conversation.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Conversation.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Conversation messages. */
            messages: shoal.control.ChatMessage.$Properties[];

            /** Conversation toolsJson. */
            toolsJson: string;

            /** Conversation templateVariablesJson. */
            templateVariablesJson: string;

            /** Conversation toolChoiceJson. */
            toolChoiceJson: string;

            /** Conversation singleToolCall. */
            singleToolCall: boolean;

            /**
             * Creates a new Conversation instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Conversation instance
             */
            static create(properties: shoal.control.Conversation.$Shape): shoal.control.Conversation & shoal.control.Conversation.$Shape;
            static create(properties?: shoal.control.Conversation.$Properties): shoal.control.Conversation;

            /**
             * Encodes the specified Conversation message. Does not implicitly {@link shoal.control.Conversation.verify|verify} messages.
             * @param message Conversation message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Conversation.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Conversation message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Conversation & shoal.control.Conversation.$Shape} Conversation
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Conversation & shoal.control.Conversation.$Shape;
        }

        namespace Conversation {

            /** Properties of a Conversation. */
            interface $Properties {

                /** Conversation messages */
                messages?: (shoal.control.ChatMessage.$Properties[]|null);

                /** Conversation toolsJson */
                toolsJson?: (string|null);

                /** Conversation templateVariablesJson */
                templateVariablesJson?: (string|null);

                /** Conversation toolChoiceJson */
                toolChoiceJson?: (string|null);

                /** Conversation singleToolCall */
                singleToolCall?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Conversation. */
            type $Shape = shoal.control.Conversation.$Properties;
        }

        /**
         * Properties of a TokenList.
         * @deprecated Use shoal.control.TokenList.$Properties instead.
         */
        interface ITokenList extends shoal.control.TokenList.$Properties {
        }

        /** Represents a TokenList. */
        class TokenList {

            /**
             * Constructs a new TokenList.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.TokenList.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TokenList tokens. */
            tokens: number[];

            /**
             * Creates a new TokenList instance using the specified properties.
             * @param [properties] Properties to set
             * @returns TokenList instance
             */
            static create(properties: shoal.control.TokenList.$Shape): shoal.control.TokenList & shoal.control.TokenList.$Shape;
            static create(properties?: shoal.control.TokenList.$Properties): shoal.control.TokenList;

            /**
             * Encodes the specified TokenList message. Does not implicitly {@link shoal.control.TokenList.verify|verify} messages.
             * @param message TokenList message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.TokenList.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TokenList message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.TokenList & shoal.control.TokenList.$Shape} TokenList
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.TokenList & shoal.control.TokenList.$Shape;
        }

        namespace TokenList {

            /** Properties of a TokenList. */
            interface $Properties {

                /** TokenList tokens */
                tokens?: (number[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TokenList. */
            type $Shape = shoal.control.TokenList.$Properties;
        }

        /**
         * Properties of a Sampling.
         * @deprecated Use shoal.control.Sampling.$Properties instead.
         */
        interface ISampling extends shoal.control.Sampling.$Properties {
        }

        /** Represents a Sampling. */
        class Sampling {

            /**
             * Constructs a new Sampling.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Sampling.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Sampling temperature. */
            temperature?: (number|null);

            /** Sampling topK. */
            topK?: (number|null);

            /** Sampling topP. */
            topP?: (number|null);

            /** Sampling minP. */
            minP?: (number|null);

            /** Sampling seed. */
            seed?: (number|null);

            /** Sampling repetitionPenalty. */
            repetitionPenalty?: (number|null);

            /** Sampling presencePenalty. */
            presencePenalty?: (number|null);

            /** Sampling frequencyPenalty. */
            frequencyPenalty?: (number|null);

            /** Sampling logitBias. */
            logitBias: shoal.control.TokenBias.$Properties[];

            /** Sampling constraint. */
            constraint?: (shoal.control.Constraint.$Properties|null);

            /** Sampling logProbabilities. */
            logProbabilities?: (number|null);

            /**
             * Creates a new Sampling instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Sampling instance
             */
            static create(properties: shoal.control.Sampling.$Shape): shoal.control.Sampling & shoal.control.Sampling.$Shape;
            static create(properties?: shoal.control.Sampling.$Properties): shoal.control.Sampling;

            /**
             * Encodes the specified Sampling message. Does not implicitly {@link shoal.control.Sampling.verify|verify} messages.
             * @param message Sampling message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Sampling.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Sampling message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Sampling & shoal.control.Sampling.$Shape} Sampling
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Sampling & shoal.control.Sampling.$Shape;
        }

        namespace Sampling {

            /** Properties of a Sampling. */
            interface $Properties {

                /** Sampling temperature */
                temperature?: (number|null);

                /** Sampling topK */
                topK?: (number|null);

                /** Sampling topP */
                topP?: (number|null);

                /** Sampling minP */
                minP?: (number|null);

                /** Sampling seed */
                seed?: (number|null);

                /** Sampling repetitionPenalty */
                repetitionPenalty?: (number|null);

                /** Sampling presencePenalty */
                presencePenalty?: (number|null);

                /** Sampling frequencyPenalty */
                frequencyPenalty?: (number|null);

                /** Sampling logitBias */
                logitBias?: (shoal.control.TokenBias.$Properties[]|null);

                /** Sampling constraint */
                constraint?: (shoal.control.Constraint.$Properties|null);

                /** Sampling logProbabilities */
                logProbabilities?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Sampling. */
            type $Shape = shoal.control.Sampling.$Properties;
        }

        /**
         * Properties of a TokenBias.
         * @deprecated Use shoal.control.TokenBias.$Properties instead.
         */
        interface ITokenBias extends shoal.control.TokenBias.$Properties {
        }

        /** Represents a TokenBias. */
        class TokenBias {

            /**
             * Constructs a new TokenBias.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.TokenBias.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TokenBias token. */
            token: number;

            /** TokenBias bias. */
            bias: number;

            /**
             * Creates a new TokenBias instance using the specified properties.
             * @param [properties] Properties to set
             * @returns TokenBias instance
             */
            static create(properties: shoal.control.TokenBias.$Shape): shoal.control.TokenBias & shoal.control.TokenBias.$Shape;
            static create(properties?: shoal.control.TokenBias.$Properties): shoal.control.TokenBias;

            /**
             * Encodes the specified TokenBias message. Does not implicitly {@link shoal.control.TokenBias.verify|verify} messages.
             * @param message TokenBias message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.TokenBias.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TokenBias message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.TokenBias & shoal.control.TokenBias.$Shape} TokenBias
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.TokenBias & shoal.control.TokenBias.$Shape;
        }

        namespace TokenBias {

            /** Properties of a TokenBias. */
            interface $Properties {

                /** TokenBias token */
                token?: (number|null);

                /** TokenBias bias */
                bias?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TokenBias. */
            type $Shape = shoal.control.TokenBias.$Properties;
        }

        /**
         * Properties of a Constraint.
         * @deprecated Use shoal.control.Constraint.$Properties instead.
         */
        interface IConstraint extends shoal.control.Constraint.$Properties {
        }

        /** Represents a Constraint. */
        class Constraint {

            /**
             * Constructs a new Constraint.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Constraint.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Constraint kind. */
            kind: string;

            /** Constraint specification. */
            specification: string;

            /**
             * Creates a new Constraint instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Constraint instance
             */
            static create(properties: shoal.control.Constraint.$Shape): shoal.control.Constraint & shoal.control.Constraint.$Shape;
            static create(properties?: shoal.control.Constraint.$Properties): shoal.control.Constraint;

            /**
             * Encodes the specified Constraint message. Does not implicitly {@link shoal.control.Constraint.verify|verify} messages.
             * @param message Constraint message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Constraint.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Constraint message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Constraint & shoal.control.Constraint.$Shape} Constraint
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Constraint & shoal.control.Constraint.$Shape;
        }

        namespace Constraint {

            /** Properties of a Constraint. */
            interface $Properties {

                /** Constraint kind */
                kind?: (string|null);

                /** Constraint specification */
                specification?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Constraint. */
            type $Shape = shoal.control.Constraint.$Properties;
        }

        /**
         * Properties of a GenerateRequest.
         * @deprecated Use shoal.control.GenerateRequest.$Properties instead.
         */
        interface IGenerateRequest extends shoal.control.GenerateRequest.$Properties {
        }

        /** Represents a GenerateRequest. */
        class GenerateRequest {

            /**
             * Constructs a new GenerateRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.GenerateRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** GenerateRequest instance. */
            instance: string;

            /** GenerateRequest conversation. */
            conversation?: (shoal.control.Conversation.$Properties|null);

            /** GenerateRequest prompt. */
            prompt?: (string|null);

            /** GenerateRequest tokens. */
            tokens?: (shoal.control.TokenList.$Properties|null);

            /** GenerateRequest sampling. */
            sampling?: (shoal.control.Sampling.$Properties|null);

            /** GenerateRequest maximumTokens. */
            maximumTokens?: (number|null);

            /** GenerateRequest ignoreEndOfText. */
            ignoreEndOfText: boolean;

            /** GenerateRequest parseSpecialTokens. */
            parseSpecialTokens?: (boolean|null);

            /** GenerateRequest ignoreModelDefaults. */
            ignoreModelDefaults: boolean;

            /** GenerateRequest choices. */
            choices: number;

            /** GenerateRequest stopTexts. */
            stopTexts: string[];

            /** GenerateRequest stopTokens. */
            stopTokens: number[];

            /** GenerateRequest queueTimeoutMilliseconds. */
            queueTimeoutMilliseconds?: (number|null);

            /** GenerateRequest input. */
            input?: ("conversation"|"prompt"|"tokens");

            /**
             * Creates a new GenerateRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns GenerateRequest instance
             */
            static create(properties: shoal.control.GenerateRequest.$Shape): shoal.control.GenerateRequest & shoal.control.GenerateRequest.$Shape;
            static create(properties?: shoal.control.GenerateRequest.$Properties): shoal.control.GenerateRequest;

            /**
             * Encodes the specified GenerateRequest message. Does not implicitly {@link shoal.control.GenerateRequest.verify|verify} messages.
             * @param message GenerateRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.GenerateRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a GenerateRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.GenerateRequest & shoal.control.GenerateRequest.$Shape} GenerateRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.GenerateRequest & shoal.control.GenerateRequest.$Shape;
        }

        namespace GenerateRequest {

            /** Properties of a GenerateRequest. */
            interface $Properties {

                /** GenerateRequest instance */
                instance?: (string|null);

                /** GenerateRequest conversation */
                conversation?: (shoal.control.Conversation.$Properties|null);

                /** GenerateRequest prompt */
                prompt?: (string|null);

                /** GenerateRequest tokens */
                tokens?: (shoal.control.TokenList.$Properties|null);

                /** GenerateRequest sampling */
                sampling?: (shoal.control.Sampling.$Properties|null);

                /** GenerateRequest maximumTokens */
                maximumTokens?: (number|null);

                /** GenerateRequest ignoreEndOfText */
                ignoreEndOfText?: (boolean|null);

                /** GenerateRequest parseSpecialTokens */
                parseSpecialTokens?: (boolean|null);

                /** GenerateRequest ignoreModelDefaults */
                ignoreModelDefaults?: (boolean|null);

                /** GenerateRequest choices */
                choices?: (number|null);

                /** GenerateRequest stopTexts */
                stopTexts?: (string[]|null);

                /** GenerateRequest stopTokens */
                stopTokens?: (number[]|null);

                /** GenerateRequest queueTimeoutMilliseconds */
                queueTimeoutMilliseconds?: (number|null);

                /** GenerateRequest input */
                input?: ("conversation"|"prompt"|"tokens");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a GenerateRequest. */
            type $Shape = {
              instance?: string|null;
              conversation?: shoal.control.Conversation.$Shape|null;
              prompt?: string|null;
              tokens?: shoal.control.TokenList.$Shape|null;
              sampling?: shoal.control.Sampling.$Shape|null;
              maximumTokens?: number|null;
              ignoreEndOfText?: boolean|null;
              parseSpecialTokens?: boolean|null;
              ignoreModelDefaults?: boolean|null;
              choices?: number|null;
              stopTexts?: string[]|null;
              stopTokens?: number[]|null;
              queueTimeoutMilliseconds?: number|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ input?: undefined; conversation?: null; prompt?: null; tokens?: null }|{ input?: "conversation"; conversation: shoal.control.Conversation.$Shape; prompt?: null; tokens?: null }|{ input?: "prompt"; conversation?: null; prompt: string; tokens?: null }|{ input?: "tokens"; conversation?: null; prompt?: null; tokens: shoal.control.TokenList.$Shape })
            );
        }

        /**
         * Properties of a GenerateResponse.
         * @deprecated Use shoal.control.GenerateResponse.$Properties instead.
         */
        interface IGenerateResponse extends shoal.control.GenerateResponse.$Properties {
        }

        /** Represents a GenerateResponse. */
        class GenerateResponse {

            /**
             * Constructs a new GenerateResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.GenerateResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** GenerateResponse accepted. */
            accepted?: (shoal.control.Accepted.$Properties|null);

            /** GenerateResponse token. */
            token?: (shoal.control.Token.$Properties|null);

            /** GenerateResponse finished. */
            finished?: (shoal.control.Finished.$Properties|null);

            /** GenerateResponse event. */
            event?: ("accepted"|"token"|"finished");

            /**
             * Creates a new GenerateResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns GenerateResponse instance
             */
            static create(properties: shoal.control.GenerateResponse.$Shape): shoal.control.GenerateResponse & shoal.control.GenerateResponse.$Shape;
            static create(properties?: shoal.control.GenerateResponse.$Properties): shoal.control.GenerateResponse;

            /**
             * Encodes the specified GenerateResponse message. Does not implicitly {@link shoal.control.GenerateResponse.verify|verify} messages.
             * @param message GenerateResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.GenerateResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a GenerateResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.GenerateResponse & shoal.control.GenerateResponse.$Shape} GenerateResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.GenerateResponse & shoal.control.GenerateResponse.$Shape;
        }

        namespace GenerateResponse {

            /** Properties of a GenerateResponse. */
            interface $Properties {

                /** GenerateResponse accepted */
                accepted?: (shoal.control.Accepted.$Properties|null);

                /** GenerateResponse token */
                token?: (shoal.control.Token.$Properties|null);

                /** GenerateResponse finished */
                finished?: (shoal.control.Finished.$Properties|null);

                /** GenerateResponse event */
                event?: ("accepted"|"token"|"finished");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a GenerateResponse. */
            type $Shape = {
              accepted?: shoal.control.Accepted.$Shape|null;
              token?: shoal.control.Token.$Shape|null;
              finished?: shoal.control.Finished.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ event?: undefined; accepted?: null; token?: null; finished?: null }|{ event?: "accepted"; accepted: shoal.control.Accepted.$Shape; token?: null; finished?: null }|{ event?: "token"; accepted?: null; token: shoal.control.Token.$Shape; finished?: null }|{ event?: "finished"; accepted?: null; token?: null; finished: shoal.control.Finished.$Shape })
            );
        }

        /**
         * Properties of an Accepted.
         * @deprecated Use shoal.control.Accepted.$Properties instead.
         */
        interface IAccepted extends shoal.control.Accepted.$Properties {
        }

        /** Represents an Accepted. */
        class Accepted {

            /**
             * Constructs a new Accepted.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Accepted.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Accepted promptTokens. */
            promptTokens: number[];

            /** Accepted seed. */
            seed: number;

            /** Accepted sampling. */
            sampling?: (shoal.control.Sampling.$Properties|null);

            /**
             * Creates a new Accepted instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Accepted instance
             */
            static create(properties: shoal.control.Accepted.$Shape): shoal.control.Accepted & shoal.control.Accepted.$Shape;
            static create(properties?: shoal.control.Accepted.$Properties): shoal.control.Accepted;

            /**
             * Encodes the specified Accepted message. Does not implicitly {@link shoal.control.Accepted.verify|verify} messages.
             * @param message Accepted message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Accepted.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Accepted message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Accepted & shoal.control.Accepted.$Shape} Accepted
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Accepted & shoal.control.Accepted.$Shape;
        }

        namespace Accepted {

            /** Properties of an Accepted. */
            interface $Properties {

                /** Accepted promptTokens */
                promptTokens?: (number[]|null);

                /** Accepted seed */
                seed?: (number|null);

                /** Accepted sampling */
                sampling?: (shoal.control.Sampling.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Accepted. */
            type $Shape = shoal.control.Accepted.$Properties;
        }

        /**
         * Properties of a Token.
         * @deprecated Use shoal.control.Token.$Properties instead.
         */
        interface IToken extends shoal.control.Token.$Properties {
        }

        /** Represents a Token. */
        class Token {

            /**
             * Constructs a new Token.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Token.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Token index. */
            index: number;

            /** Token token. */
            token: number;

            /** Token text. */
            text: string;

            /** Token choice. */
            choice: number;

            /** Token logProbabilities. */
            logProbabilities?: (shoal.control.LogProbabilities.$Properties|null);

            /** Token reasoning. */
            reasoning: string;

            /** Token toolCalls. */
            toolCalls: shoal.control.ToolCallPart.$Properties[];

            /**
             * Creates a new Token instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Token instance
             */
            static create(properties: shoal.control.Token.$Shape): shoal.control.Token & shoal.control.Token.$Shape;
            static create(properties?: shoal.control.Token.$Properties): shoal.control.Token;

            /**
             * Encodes the specified Token message. Does not implicitly {@link shoal.control.Token.verify|verify} messages.
             * @param message Token message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Token.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Token message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Token & shoal.control.Token.$Shape} Token
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Token & shoal.control.Token.$Shape;
        }

        namespace Token {

            /** Properties of a Token. */
            interface $Properties {

                /** Token index */
                index?: (number|null);

                /** Token token */
                token?: (number|null);

                /** Token text */
                text?: (string|null);

                /** Token choice */
                choice?: (number|null);

                /** Token logProbabilities */
                logProbabilities?: (shoal.control.LogProbabilities.$Properties|null);

                /** Token reasoning */
                reasoning?: (string|null);

                /** Token toolCalls */
                toolCalls?: (shoal.control.ToolCallPart.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Token. */
            type $Shape = shoal.control.Token.$Properties;
        }

        /**
         * Properties of a ToolCallPart.
         * @deprecated Use shoal.control.ToolCallPart.$Properties instead.
         */
        interface IToolCallPart extends shoal.control.ToolCallPart.$Properties {
        }

        /** Represents a ToolCallPart. */
        class ToolCallPart {

            /**
             * Constructs a new ToolCallPart.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ToolCallPart.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ToolCallPart index. */
            index: number;

            /** ToolCallPart id. */
            id?: (string|null);

            /** ToolCallPart name. */
            name?: (string|null);

            /** ToolCallPart arguments. */
            arguments: string;

            /**
             * Creates a new ToolCallPart instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ToolCallPart instance
             */
            static create(properties: shoal.control.ToolCallPart.$Shape): shoal.control.ToolCallPart & shoal.control.ToolCallPart.$Shape;
            static create(properties?: shoal.control.ToolCallPart.$Properties): shoal.control.ToolCallPart;

            /**
             * Encodes the specified ToolCallPart message. Does not implicitly {@link shoal.control.ToolCallPart.verify|verify} messages.
             * @param message ToolCallPart message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ToolCallPart.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ToolCallPart message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ToolCallPart & shoal.control.ToolCallPart.$Shape} ToolCallPart
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ToolCallPart & shoal.control.ToolCallPart.$Shape;
        }

        namespace ToolCallPart {

            /** Properties of a ToolCallPart. */
            interface $Properties {

                /** ToolCallPart index */
                index?: (number|null);

                /** ToolCallPart id */
                id?: (string|null);

                /** ToolCallPart name */
                name?: (string|null);

                /** ToolCallPart arguments */
                "arguments"?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ToolCallPart. */
            type $Shape = shoal.control.ToolCallPart.$Properties;
        }

        /**
         * Properties of a LogProbabilities.
         * @deprecated Use shoal.control.LogProbabilities.$Properties instead.
         */
        interface ILogProbabilities extends shoal.control.LogProbabilities.$Properties {
        }

        /** Represents a LogProbabilities. */
        class LogProbabilities {

            /**
             * Constructs a new LogProbabilities.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.LogProbabilities.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LogProbabilities logProbability. */
            logProbability: number;

            /** LogProbabilities text. */
            text: string;

            /** LogProbabilities alternatives. */
            alternatives: shoal.control.Alternative.$Properties[];

            /**
             * Creates a new LogProbabilities instance using the specified properties.
             * @param [properties] Properties to set
             * @returns LogProbabilities instance
             */
            static create(properties: shoal.control.LogProbabilities.$Shape): shoal.control.LogProbabilities & shoal.control.LogProbabilities.$Shape;
            static create(properties?: shoal.control.LogProbabilities.$Properties): shoal.control.LogProbabilities;

            /**
             * Encodes the specified LogProbabilities message. Does not implicitly {@link shoal.control.LogProbabilities.verify|verify} messages.
             * @param message LogProbabilities message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.LogProbabilities.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LogProbabilities message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.LogProbabilities & shoal.control.LogProbabilities.$Shape} LogProbabilities
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.LogProbabilities & shoal.control.LogProbabilities.$Shape;
        }

        namespace LogProbabilities {

            /** Properties of a LogProbabilities. */
            interface $Properties {

                /** LogProbabilities logProbability */
                logProbability?: (number|null);

                /** LogProbabilities text */
                text?: (string|null);

                /** LogProbabilities alternatives */
                alternatives?: (shoal.control.Alternative.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LogProbabilities. */
            type $Shape = shoal.control.LogProbabilities.$Properties;
        }

        /**
         * Properties of an Alternative.
         * @deprecated Use shoal.control.Alternative.$Properties instead.
         */
        interface IAlternative extends shoal.control.Alternative.$Properties {
        }

        /** Represents an Alternative. */
        class Alternative {

            /**
             * Constructs a new Alternative.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Alternative.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Alternative token. */
            token: number;

            /** Alternative text. */
            text: string;

            /** Alternative logProbability. */
            logProbability: number;

            /**
             * Creates a new Alternative instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Alternative instance
             */
            static create(properties: shoal.control.Alternative.$Shape): shoal.control.Alternative & shoal.control.Alternative.$Shape;
            static create(properties?: shoal.control.Alternative.$Properties): shoal.control.Alternative;

            /**
             * Encodes the specified Alternative message. Does not implicitly {@link shoal.control.Alternative.verify|verify} messages.
             * @param message Alternative message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Alternative.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Alternative message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Alternative & shoal.control.Alternative.$Shape} Alternative
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Alternative & shoal.control.Alternative.$Shape;
        }

        namespace Alternative {

            /** Properties of an Alternative. */
            interface $Properties {

                /** Alternative token */
                token?: (number|null);

                /** Alternative text */
                text?: (string|null);

                /** Alternative logProbability */
                logProbability?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Alternative. */
            type $Shape = shoal.control.Alternative.$Properties;
        }

        /**
         * Properties of a Finished.
         * @deprecated Use shoal.control.Finished.$Properties instead.
         */
        interface IFinished extends shoal.control.Finished.$Properties {
        }

        /** Represents a Finished. */
        class Finished {

            /**
             * Constructs a new Finished.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Finished.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Finished reason. */
            reason: string;

            /** Finished text. */
            text: string;

            /** Finished promptTokens. */
            promptTokens: number;

            /** Finished generatedTokens. */
            generatedTokens: number;

            /** Finished prefillMicroseconds. */
            prefillMicroseconds: number;

            /** Finished decodeMicroseconds. */
            decodeMicroseconds: number;

            /** Finished choice. */
            choice: number;

            /** Finished stopText. */
            stopText?: (string|null);

            /** Finished stopToken. */
            stopToken?: (number|null);

            /** Finished reasoning. */
            reasoning: string;

            /** Finished toolCalls. */
            toolCalls: shoal.control.ToolCallPart.$Properties[];

            /** Finished stoppedBy. */
            stoppedBy?: ("stopText"|"stopToken");

            /**
             * Creates a new Finished instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Finished instance
             */
            static create(properties: shoal.control.Finished.$Shape): shoal.control.Finished & shoal.control.Finished.$Shape;
            static create(properties?: shoal.control.Finished.$Properties): shoal.control.Finished;

            /**
             * Encodes the specified Finished message. Does not implicitly {@link shoal.control.Finished.verify|verify} messages.
             * @param message Finished message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Finished.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Finished message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Finished & shoal.control.Finished.$Shape} Finished
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Finished & shoal.control.Finished.$Shape;
        }

        namespace Finished {

            /** Properties of a Finished. */
            interface $Properties {

                /** Finished reason */
                reason?: (string|null);

                /** Finished text */
                text?: (string|null);

                /** Finished promptTokens */
                promptTokens?: (number|null);

                /** Finished generatedTokens */
                generatedTokens?: (number|null);

                /** Finished prefillMicroseconds */
                prefillMicroseconds?: (number|null);

                /** Finished decodeMicroseconds */
                decodeMicroseconds?: (number|null);

                /** Finished choice */
                choice?: (number|null);

                /** Finished stopText */
                stopText?: (string|null);

                /** Finished stopToken */
                stopToken?: (number|null);

                /** Finished reasoning */
                reasoning?: (string|null);

                /** Finished toolCalls */
                toolCalls?: (shoal.control.ToolCallPart.$Properties[]|null);

                /** Finished stoppedBy */
                stoppedBy?: ("stopText"|"stopToken");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a Finished. */
            type $Shape = {
              reason?: string|null;
              text?: string|null;
              promptTokens?: number|null;
              generatedTokens?: number|null;
              prefillMicroseconds?: number|null;
              decodeMicroseconds?: number|null;
              choice?: number|null;
              stopText?: string|null;
              stopToken?: number|null;
              reasoning?: string|null;
              toolCalls?: shoal.control.ToolCallPart.$Shape[]|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ stoppedBy?: undefined; stopText?: null; stopToken?: null }|{ stoppedBy?: "stopText"; stopText: string; stopToken?: null }|{ stoppedBy?: "stopToken"; stopText?: null; stopToken: number })
            );
        }

        /**
         * Properties of an InstanceSummary.
         * @deprecated Use shoal.control.InstanceSummary.$Properties instead.
         */
        interface IInstanceSummary extends shoal.control.InstanceSummary.$Properties {
        }

        /** Represents an InstanceSummary. */
        class InstanceSummary {

            /**
             * Constructs a new InstanceSummary.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.InstanceSummary.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** InstanceSummary instance. */
            instance: string;

            /** InstanceSummary epoch. */
            epoch: number;

            /** InstanceSummary state. */
            state: shoal.control.InstanceSummary.State;

            /** InstanceSummary planJson. */
            planJson: string;

            /** InstanceSummary model. */
            model: string;

            /** InstanceSummary failure. */
            failure?: (shoal.control.Failure.$Properties|null);

            /** InstanceSummary replaces. */
            replaces: string[];

            /** InstanceSummary optionsJson. */
            optionsJson: string;

            /**
             * Creates a new InstanceSummary instance using the specified properties.
             * @param [properties] Properties to set
             * @returns InstanceSummary instance
             */
            static create(properties: shoal.control.InstanceSummary.$Shape): shoal.control.InstanceSummary & shoal.control.InstanceSummary.$Shape;
            static create(properties?: shoal.control.InstanceSummary.$Properties): shoal.control.InstanceSummary;

            /**
             * Encodes the specified InstanceSummary message. Does not implicitly {@link shoal.control.InstanceSummary.verify|verify} messages.
             * @param message InstanceSummary message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.InstanceSummary.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an InstanceSummary message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.InstanceSummary & shoal.control.InstanceSummary.$Shape} InstanceSummary
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.InstanceSummary & shoal.control.InstanceSummary.$Shape;
        }

        namespace InstanceSummary {

            /** Properties of an InstanceSummary. */
            interface $Properties {

                /** InstanceSummary instance */
                instance?: (string|null);

                /** InstanceSummary epoch */
                epoch?: (number|null);

                /** InstanceSummary state */
                state?: (shoal.control.InstanceSummary.State|null);

                /** InstanceSummary planJson */
                planJson?: (string|null);

                /** InstanceSummary model */
                model?: (string|null);

                /** InstanceSummary failure */
                failure?: (shoal.control.Failure.$Properties|null);

                /** InstanceSummary replaces */
                replaces?: (string[]|null);

                /** InstanceSummary optionsJson */
                optionsJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an InstanceSummary. */
            type $Shape = shoal.control.InstanceSummary.$Properties;

            /** State enum. */
            enum State {

                /** LOADING value */
                LOADING = 0,

                /** READY value */
                READY = 1,

                /** FAILED value */
                FAILED = 2,

                /** UNLOADED value */
                UNLOADED = 3
            }
        }

        /**
         * Properties of a ListInstancesRequest.
         * @deprecated Use shoal.control.ListInstancesRequest.$Properties instead.
         */
        interface IListInstancesRequest extends shoal.control.ListInstancesRequest.$Properties {
        }

        /** Represents a ListInstancesRequest. */
        class ListInstancesRequest {

            /**
             * Constructs a new ListInstancesRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ListInstancesRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ListInstancesRequest everywhere. */
            everywhere: boolean;

            /**
             * Creates a new ListInstancesRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ListInstancesRequest instance
             */
            static create(properties: shoal.control.ListInstancesRequest.$Shape): shoal.control.ListInstancesRequest & shoal.control.ListInstancesRequest.$Shape;
            static create(properties?: shoal.control.ListInstancesRequest.$Properties): shoal.control.ListInstancesRequest;

            /**
             * Encodes the specified ListInstancesRequest message. Does not implicitly {@link shoal.control.ListInstancesRequest.verify|verify} messages.
             * @param message ListInstancesRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ListInstancesRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ListInstancesRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ListInstancesRequest & shoal.control.ListInstancesRequest.$Shape} ListInstancesRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ListInstancesRequest & shoal.control.ListInstancesRequest.$Shape;
        }

        namespace ListInstancesRequest {

            /** Properties of a ListInstancesRequest. */
            interface $Properties {

                /** ListInstancesRequest everywhere */
                everywhere?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ListInstancesRequest. */
            type $Shape = shoal.control.ListInstancesRequest.$Properties;
        }

        /**
         * Properties of a ListInstancesResponse.
         * @deprecated Use shoal.control.ListInstancesResponse.$Properties instead.
         */
        interface IListInstancesResponse extends shoal.control.ListInstancesResponse.$Properties {
        }

        /** Represents a ListInstancesResponse. */
        class ListInstancesResponse {

            /**
             * Constructs a new ListInstancesResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ListInstancesResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ListInstancesResponse instances. */
            instances: shoal.control.InstanceSummary.$Properties[];

            /**
             * Creates a new ListInstancesResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ListInstancesResponse instance
             */
            static create(properties: shoal.control.ListInstancesResponse.$Shape): shoal.control.ListInstancesResponse & shoal.control.ListInstancesResponse.$Shape;
            static create(properties?: shoal.control.ListInstancesResponse.$Properties): shoal.control.ListInstancesResponse;

            /**
             * Encodes the specified ListInstancesResponse message. Does not implicitly {@link shoal.control.ListInstancesResponse.verify|verify} messages.
             * @param message ListInstancesResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ListInstancesResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ListInstancesResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ListInstancesResponse & shoal.control.ListInstancesResponse.$Shape} ListInstancesResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ListInstancesResponse & shoal.control.ListInstancesResponse.$Shape;
        }

        namespace ListInstancesResponse {

            /** Properties of a ListInstancesResponse. */
            interface $Properties {

                /** ListInstancesResponse instances */
                instances?: (shoal.control.InstanceSummary.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ListInstancesResponse. */
            type $Shape = shoal.control.ListInstancesResponse.$Properties;
        }

        /**
         * Properties of a ListNodesRequest.
         * @deprecated Use shoal.control.ListNodesRequest.$Properties instead.
         */
        interface IListNodesRequest extends shoal.control.ListNodesRequest.$Properties {
        }

        /** Represents a ListNodesRequest. */
        class ListNodesRequest {

            /**
             * Constructs a new ListNodesRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ListNodesRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new ListNodesRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ListNodesRequest instance
             */
            static create(properties: shoal.control.ListNodesRequest.$Shape): shoal.control.ListNodesRequest & shoal.control.ListNodesRequest.$Shape;
            static create(properties?: shoal.control.ListNodesRequest.$Properties): shoal.control.ListNodesRequest;

            /**
             * Encodes the specified ListNodesRequest message. Does not implicitly {@link shoal.control.ListNodesRequest.verify|verify} messages.
             * @param message ListNodesRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ListNodesRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ListNodesRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ListNodesRequest & shoal.control.ListNodesRequest.$Shape} ListNodesRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ListNodesRequest & shoal.control.ListNodesRequest.$Shape;
        }

        namespace ListNodesRequest {

            /** Properties of a ListNodesRequest. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ListNodesRequest. */
            type $Shape = shoal.control.ListNodesRequest.$Properties;
        }

        /**
         * Properties of a ListNodesResponse.
         * @deprecated Use shoal.control.ListNodesResponse.$Properties instead.
         */
        interface IListNodesResponse extends shoal.control.ListNodesResponse.$Properties {
        }

        /** Represents a ListNodesResponse. */
        class ListNodesResponse {

            /**
             * Constructs a new ListNodesResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ListNodesResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ListNodesResponse nodesJson. */
            nodesJson: string;

            /**
             * Creates a new ListNodesResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ListNodesResponse instance
             */
            static create(properties: shoal.control.ListNodesResponse.$Shape): shoal.control.ListNodesResponse & shoal.control.ListNodesResponse.$Shape;
            static create(properties?: shoal.control.ListNodesResponse.$Properties): shoal.control.ListNodesResponse;

            /**
             * Encodes the specified ListNodesResponse message. Does not implicitly {@link shoal.control.ListNodesResponse.verify|verify} messages.
             * @param message ListNodesResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ListNodesResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ListNodesResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ListNodesResponse & shoal.control.ListNodesResponse.$Shape} ListNodesResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ListNodesResponse & shoal.control.ListNodesResponse.$Shape;
        }

        namespace ListNodesResponse {

            /** Properties of a ListNodesResponse. */
            interface $Properties {

                /** ListNodesResponse nodesJson */
                nodesJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ListNodesResponse. */
            type $Shape = shoal.control.ListNodesResponse.$Properties;
        }

        /**
         * Properties of a LoadModelRequest.
         * @deprecated Use shoal.control.LoadModelRequest.$Properties instead.
         */
        interface ILoadModelRequest extends shoal.control.LoadModelRequest.$Properties {
        }

        /** Represents a LoadModelRequest. */
        class LoadModelRequest {

            /**
             * Constructs a new LoadModelRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.LoadModelRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LoadModelRequest model. */
            model: string;

            /** LoadModelRequest optionsJson. */
            optionsJson: string;

            /**
             * Creates a new LoadModelRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns LoadModelRequest instance
             */
            static create(properties: shoal.control.LoadModelRequest.$Shape): shoal.control.LoadModelRequest & shoal.control.LoadModelRequest.$Shape;
            static create(properties?: shoal.control.LoadModelRequest.$Properties): shoal.control.LoadModelRequest;

            /**
             * Encodes the specified LoadModelRequest message. Does not implicitly {@link shoal.control.LoadModelRequest.verify|verify} messages.
             * @param message LoadModelRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.LoadModelRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LoadModelRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.LoadModelRequest & shoal.control.LoadModelRequest.$Shape} LoadModelRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.LoadModelRequest & shoal.control.LoadModelRequest.$Shape;
        }

        namespace LoadModelRequest {

            /** Properties of a LoadModelRequest. */
            interface $Properties {

                /** LoadModelRequest model */
                model?: (string|null);

                /** LoadModelRequest optionsJson */
                optionsJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LoadModelRequest. */
            type $Shape = shoal.control.LoadModelRequest.$Properties;
        }

        /**
         * Properties of a LoadModelResponse.
         * @deprecated Use shoal.control.LoadModelResponse.$Properties instead.
         */
        interface ILoadModelResponse extends shoal.control.LoadModelResponse.$Properties {
        }

        /** Represents a LoadModelResponse. */
        class LoadModelResponse {

            /**
             * Constructs a new LoadModelResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.LoadModelResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LoadModelResponse progress. */
            progress?: (shoal.control.LoadProgress.$Properties|null);

            /** LoadModelResponse loaded. */
            loaded?: (shoal.control.InstanceSummary.$Properties|null);

            /** LoadModelResponse event. */
            event?: ("progress"|"loaded");

            /**
             * Creates a new LoadModelResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns LoadModelResponse instance
             */
            static create(properties: shoal.control.LoadModelResponse.$Shape): shoal.control.LoadModelResponse & shoal.control.LoadModelResponse.$Shape;
            static create(properties?: shoal.control.LoadModelResponse.$Properties): shoal.control.LoadModelResponse;

            /**
             * Encodes the specified LoadModelResponse message. Does not implicitly {@link shoal.control.LoadModelResponse.verify|verify} messages.
             * @param message LoadModelResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.LoadModelResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LoadModelResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.LoadModelResponse & shoal.control.LoadModelResponse.$Shape} LoadModelResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.LoadModelResponse & shoal.control.LoadModelResponse.$Shape;
        }

        namespace LoadModelResponse {

            /** Properties of a LoadModelResponse. */
            interface $Properties {

                /** LoadModelResponse progress */
                progress?: (shoal.control.LoadProgress.$Properties|null);

                /** LoadModelResponse loaded */
                loaded?: (shoal.control.InstanceSummary.$Properties|null);

                /** LoadModelResponse event */
                event?: ("progress"|"loaded");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a LoadModelResponse. */
            type $Shape = {
              progress?: shoal.control.LoadProgress.$Shape|null;
              loaded?: shoal.control.InstanceSummary.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ event?: undefined; progress?: null; loaded?: null }|{ event?: "progress"; progress: shoal.control.LoadProgress.$Shape; loaded?: null }|{ event?: "loaded"; progress?: null; loaded: shoal.control.InstanceSummary.$Shape })
            );
        }

        /**
         * Properties of an UnloadModelRequest.
         * @deprecated Use shoal.control.UnloadModelRequest.$Properties instead.
         */
        interface IUnloadModelRequest extends shoal.control.UnloadModelRequest.$Properties {
        }

        /** Represents an UnloadModelRequest. */
        class UnloadModelRequest {

            /**
             * Constructs a new UnloadModelRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.UnloadModelRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** UnloadModelRequest instance. */
            instance: string;

            /**
             * Creates a new UnloadModelRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns UnloadModelRequest instance
             */
            static create(properties: shoal.control.UnloadModelRequest.$Shape): shoal.control.UnloadModelRequest & shoal.control.UnloadModelRequest.$Shape;
            static create(properties?: shoal.control.UnloadModelRequest.$Properties): shoal.control.UnloadModelRequest;

            /**
             * Encodes the specified UnloadModelRequest message. Does not implicitly {@link shoal.control.UnloadModelRequest.verify|verify} messages.
             * @param message UnloadModelRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.UnloadModelRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an UnloadModelRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.UnloadModelRequest & shoal.control.UnloadModelRequest.$Shape} UnloadModelRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.UnloadModelRequest & shoal.control.UnloadModelRequest.$Shape;
        }

        namespace UnloadModelRequest {

            /** Properties of an UnloadModelRequest. */
            interface $Properties {

                /** UnloadModelRequest instance */
                instance?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an UnloadModelRequest. */
            type $Shape = shoal.control.UnloadModelRequest.$Properties;
        }

        /**
         * Properties of an UnloadModelResponse.
         * @deprecated Use shoal.control.UnloadModelResponse.$Properties instead.
         */
        interface IUnloadModelResponse extends shoal.control.UnloadModelResponse.$Properties {
        }

        /** Represents an UnloadModelResponse. */
        class UnloadModelResponse {

            /**
             * Constructs a new UnloadModelResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.UnloadModelResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new UnloadModelResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns UnloadModelResponse instance
             */
            static create(properties: shoal.control.UnloadModelResponse.$Shape): shoal.control.UnloadModelResponse & shoal.control.UnloadModelResponse.$Shape;
            static create(properties?: shoal.control.UnloadModelResponse.$Properties): shoal.control.UnloadModelResponse;

            /**
             * Encodes the specified UnloadModelResponse message. Does not implicitly {@link shoal.control.UnloadModelResponse.verify|verify} messages.
             * @param message UnloadModelResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.UnloadModelResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an UnloadModelResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.UnloadModelResponse & shoal.control.UnloadModelResponse.$Shape} UnloadModelResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.UnloadModelResponse & shoal.control.UnloadModelResponse.$Shape;
        }

        namespace UnloadModelResponse {

            /** Properties of an UnloadModelResponse. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an UnloadModelResponse. */
            type $Shape = shoal.control.UnloadModelResponse.$Properties;
        }

        /**
         * Properties of a MoveModelRequest.
         * @deprecated Use shoal.control.MoveModelRequest.$Properties instead.
         */
        interface IMoveModelRequest extends shoal.control.MoveModelRequest.$Properties {
        }

        /** Represents a MoveModelRequest. */
        class MoveModelRequest {

            /**
             * Constructs a new MoveModelRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.MoveModelRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** MoveModelRequest instance. */
            instance: string;

            /** MoveModelRequest optionsJson. */
            optionsJson: string;

            /**
             * Creates a new MoveModelRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns MoveModelRequest instance
             */
            static create(properties: shoal.control.MoveModelRequest.$Shape): shoal.control.MoveModelRequest & shoal.control.MoveModelRequest.$Shape;
            static create(properties?: shoal.control.MoveModelRequest.$Properties): shoal.control.MoveModelRequest;

            /**
             * Encodes the specified MoveModelRequest message. Does not implicitly {@link shoal.control.MoveModelRequest.verify|verify} messages.
             * @param message MoveModelRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.MoveModelRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a MoveModelRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.MoveModelRequest & shoal.control.MoveModelRequest.$Shape} MoveModelRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.MoveModelRequest & shoal.control.MoveModelRequest.$Shape;
        }

        namespace MoveModelRequest {

            /** Properties of a MoveModelRequest. */
            interface $Properties {

                /** MoveModelRequest instance */
                instance?: (string|null);

                /** MoveModelRequest optionsJson */
                optionsJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a MoveModelRequest. */
            type $Shape = shoal.control.MoveModelRequest.$Properties;
        }

        /**
         * Properties of a MoveModelResponse.
         * @deprecated Use shoal.control.MoveModelResponse.$Properties instead.
         */
        interface IMoveModelResponse extends shoal.control.MoveModelResponse.$Properties {
        }

        /** Represents a MoveModelResponse. */
        class MoveModelResponse {

            /**
             * Constructs a new MoveModelResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.MoveModelResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** MoveModelResponse instance. */
            instance?: (shoal.control.InstanceSummary.$Properties|null);

            /** MoveModelResponse endedRequests. */
            endedRequests: number;

            /**
             * Creates a new MoveModelResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns MoveModelResponse instance
             */
            static create(properties: shoal.control.MoveModelResponse.$Shape): shoal.control.MoveModelResponse & shoal.control.MoveModelResponse.$Shape;
            static create(properties?: shoal.control.MoveModelResponse.$Properties): shoal.control.MoveModelResponse;

            /**
             * Encodes the specified MoveModelResponse message. Does not implicitly {@link shoal.control.MoveModelResponse.verify|verify} messages.
             * @param message MoveModelResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.MoveModelResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a MoveModelResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.MoveModelResponse & shoal.control.MoveModelResponse.$Shape} MoveModelResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.MoveModelResponse & shoal.control.MoveModelResponse.$Shape;
        }

        namespace MoveModelResponse {

            /** Properties of a MoveModelResponse. */
            interface $Properties {

                /** MoveModelResponse instance */
                instance?: (shoal.control.InstanceSummary.$Properties|null);

                /** MoveModelResponse endedRequests */
                endedRequests?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a MoveModelResponse. */
            type $Shape = shoal.control.MoveModelResponse.$Properties;
        }

        /**
         * Properties of an ExplainRequest.
         * @deprecated Use shoal.control.ExplainRequest.$Properties instead.
         */
        interface IExplainRequest extends shoal.control.ExplainRequest.$Properties {
        }

        /** Represents an ExplainRequest. */
        class ExplainRequest {

            /**
             * Constructs a new ExplainRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ExplainRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ExplainRequest model. */
            model: string;

            /** ExplainRequest optionsJson. */
            optionsJson: string;

            /** ExplainRequest whatIfJson. */
            whatIfJson: string;

            /**
             * Creates a new ExplainRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ExplainRequest instance
             */
            static create(properties: shoal.control.ExplainRequest.$Shape): shoal.control.ExplainRequest & shoal.control.ExplainRequest.$Shape;
            static create(properties?: shoal.control.ExplainRequest.$Properties): shoal.control.ExplainRequest;

            /**
             * Encodes the specified ExplainRequest message. Does not implicitly {@link shoal.control.ExplainRequest.verify|verify} messages.
             * @param message ExplainRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ExplainRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an ExplainRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ExplainRequest & shoal.control.ExplainRequest.$Shape} ExplainRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ExplainRequest & shoal.control.ExplainRequest.$Shape;
        }

        namespace ExplainRequest {

            /** Properties of an ExplainRequest. */
            interface $Properties {

                /** ExplainRequest model */
                model?: (string|null);

                /** ExplainRequest optionsJson */
                optionsJson?: (string|null);

                /** ExplainRequest whatIfJson */
                whatIfJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an ExplainRequest. */
            type $Shape = shoal.control.ExplainRequest.$Properties;
        }

        /**
         * Properties of an ExplainResponse.
         * @deprecated Use shoal.control.ExplainResponse.$Properties instead.
         */
        interface IExplainResponse extends shoal.control.ExplainResponse.$Properties {
        }

        /** Represents an ExplainResponse. */
        class ExplainResponse {

            /**
             * Constructs a new ExplainResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ExplainResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ExplainResponse explanationJson. */
            explanationJson: string;

            /**
             * Creates a new ExplainResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ExplainResponse instance
             */
            static create(properties: shoal.control.ExplainResponse.$Shape): shoal.control.ExplainResponse & shoal.control.ExplainResponse.$Shape;
            static create(properties?: shoal.control.ExplainResponse.$Properties): shoal.control.ExplainResponse;

            /**
             * Encodes the specified ExplainResponse message. Does not implicitly {@link shoal.control.ExplainResponse.verify|verify} messages.
             * @param message ExplainResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ExplainResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an ExplainResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ExplainResponse & shoal.control.ExplainResponse.$Shape} ExplainResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ExplainResponse & shoal.control.ExplainResponse.$Shape;
        }

        namespace ExplainResponse {

            /** Properties of an ExplainResponse. */
            interface $Properties {

                /** ExplainResponse explanationJson */
                explanationJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an ExplainResponse. */
            type $Shape = shoal.control.ExplainResponse.$Properties;
        }

        /**
         * Properties of a WatchRequest.
         * @deprecated Use shoal.control.WatchRequest.$Properties instead.
         */
        interface IWatchRequest extends shoal.control.WatchRequest.$Properties {
        }

        /** Represents a WatchRequest. */
        class WatchRequest {

            /**
             * Constructs a new WatchRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.WatchRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new WatchRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns WatchRequest instance
             */
            static create(properties: shoal.control.WatchRequest.$Shape): shoal.control.WatchRequest & shoal.control.WatchRequest.$Shape;
            static create(properties?: shoal.control.WatchRequest.$Properties): shoal.control.WatchRequest;

            /**
             * Encodes the specified WatchRequest message. Does not implicitly {@link shoal.control.WatchRequest.verify|verify} messages.
             * @param message WatchRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.WatchRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a WatchRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.WatchRequest & shoal.control.WatchRequest.$Shape} WatchRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.WatchRequest & shoal.control.WatchRequest.$Shape;
        }

        namespace WatchRequest {

            /** Properties of a WatchRequest. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a WatchRequest. */
            type $Shape = shoal.control.WatchRequest.$Properties;
        }

        /**
         * Properties of a WatchResponse.
         * @deprecated Use shoal.control.WatchResponse.$Properties instead.
         */
        interface IWatchResponse extends shoal.control.WatchResponse.$Properties {
        }

        /** Represents a WatchResponse. */
        class WatchResponse {

            /**
             * Constructs a new WatchResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.WatchResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** WatchResponse eventJson. */
            eventJson: string;

            /**
             * Creates a new WatchResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns WatchResponse instance
             */
            static create(properties: shoal.control.WatchResponse.$Shape): shoal.control.WatchResponse & shoal.control.WatchResponse.$Shape;
            static create(properties?: shoal.control.WatchResponse.$Properties): shoal.control.WatchResponse;

            /**
             * Encodes the specified WatchResponse message. Does not implicitly {@link shoal.control.WatchResponse.verify|verify} messages.
             * @param message WatchResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.WatchResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a WatchResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.WatchResponse & shoal.control.WatchResponse.$Shape} WatchResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.WatchResponse & shoal.control.WatchResponse.$Shape;
        }

        namespace WatchResponse {

            /** Properties of a WatchResponse. */
            interface $Properties {

                /** WatchResponse eventJson */
                eventJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a WatchResponse. */
            type $Shape = shoal.control.WatchResponse.$Properties;
        }

        /**
         * Properties of a StatisticsRequest.
         * @deprecated Use shoal.control.StatisticsRequest.$Properties instead.
         */
        interface IStatisticsRequest extends shoal.control.StatisticsRequest.$Properties {
        }

        /** Represents a StatisticsRequest. */
        class StatisticsRequest {

            /**
             * Constructs a new StatisticsRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.StatisticsRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** StatisticsRequest instance. */
            instance: string;

            /**
             * Creates a new StatisticsRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns StatisticsRequest instance
             */
            static create(properties: shoal.control.StatisticsRequest.$Shape): shoal.control.StatisticsRequest & shoal.control.StatisticsRequest.$Shape;
            static create(properties?: shoal.control.StatisticsRequest.$Properties): shoal.control.StatisticsRequest;

            /**
             * Encodes the specified StatisticsRequest message. Does not implicitly {@link shoal.control.StatisticsRequest.verify|verify} messages.
             * @param message StatisticsRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.StatisticsRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a StatisticsRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.StatisticsRequest & shoal.control.StatisticsRequest.$Shape} StatisticsRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.StatisticsRequest & shoal.control.StatisticsRequest.$Shape;
        }

        namespace StatisticsRequest {

            /** Properties of a StatisticsRequest. */
            interface $Properties {

                /** StatisticsRequest instance */
                instance?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a StatisticsRequest. */
            type $Shape = shoal.control.StatisticsRequest.$Properties;
        }

        /**
         * Properties of a StatisticsResponse.
         * @deprecated Use shoal.control.StatisticsResponse.$Properties instead.
         */
        interface IStatisticsResponse extends shoal.control.StatisticsResponse.$Properties {
        }

        /** Represents a StatisticsResponse. */
        class StatisticsResponse {

            /**
             * Constructs a new StatisticsResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.StatisticsResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** StatisticsResponse members. */
            members: shoal.control.MemberReport.$Properties[];

            /**
             * Creates a new StatisticsResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns StatisticsResponse instance
             */
            static create(properties: shoal.control.StatisticsResponse.$Shape): shoal.control.StatisticsResponse & shoal.control.StatisticsResponse.$Shape;
            static create(properties?: shoal.control.StatisticsResponse.$Properties): shoal.control.StatisticsResponse;

            /**
             * Encodes the specified StatisticsResponse message. Does not implicitly {@link shoal.control.StatisticsResponse.verify|verify} messages.
             * @param message StatisticsResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.StatisticsResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a StatisticsResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.StatisticsResponse & shoal.control.StatisticsResponse.$Shape} StatisticsResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.StatisticsResponse & shoal.control.StatisticsResponse.$Shape;
        }

        namespace StatisticsResponse {

            /** Properties of a StatisticsResponse. */
            interface $Properties {

                /** StatisticsResponse members */
                members?: (shoal.control.MemberReport.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a StatisticsResponse. */
            type $Shape = shoal.control.StatisticsResponse.$Properties;
        }

        /**
         * Properties of a MemberReport.
         * @deprecated Use shoal.control.MemberReport.$Properties instead.
         */
        interface IMemberReport extends shoal.control.MemberReport.$Properties {
        }

        /** Represents a MemberReport. */
        class MemberReport {

            /**
             * Constructs a new MemberReport.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.MemberReport.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** MemberReport address. */
            address?: (shoal.control.MemberAddress.$Properties|null);

            /** MemberReport nodeId. */
            nodeId: string;

            /** MemberReport nodeName. */
            nodeName: string;

            /** MemberReport statisticsJson. */
            statisticsJson: string;

            /**
             * Creates a new MemberReport instance using the specified properties.
             * @param [properties] Properties to set
             * @returns MemberReport instance
             */
            static create(properties: shoal.control.MemberReport.$Shape): shoal.control.MemberReport & shoal.control.MemberReport.$Shape;
            static create(properties?: shoal.control.MemberReport.$Properties): shoal.control.MemberReport;

            /**
             * Encodes the specified MemberReport message. Does not implicitly {@link shoal.control.MemberReport.verify|verify} messages.
             * @param message MemberReport message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.MemberReport.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a MemberReport message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.MemberReport & shoal.control.MemberReport.$Shape} MemberReport
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.MemberReport & shoal.control.MemberReport.$Shape;
        }

        namespace MemberReport {

            /** Properties of a MemberReport. */
            interface $Properties {

                /** MemberReport address */
                address?: (shoal.control.MemberAddress.$Properties|null);

                /** MemberReport nodeId */
                nodeId?: (string|null);

                /** MemberReport nodeName */
                nodeName?: (string|null);

                /** MemberReport statisticsJson */
                statisticsJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a MemberReport. */
            type $Shape = shoal.control.MemberReport.$Properties;
        }

        /**
         * Properties of a LogsRequest.
         * @deprecated Use shoal.control.LogsRequest.$Properties instead.
         */
        interface ILogsRequest extends shoal.control.LogsRequest.$Properties {
        }

        /** Represents a LogsRequest. */
        class LogsRequest {

            /**
             * Constructs a new LogsRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.LogsRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LogsRequest level. */
            level: string;

            /** LogsRequest since. */
            since: number;

            /** LogsRequest follow. */
            follow: boolean;

            /** LogsRequest node. */
            node: string;

            /**
             * Creates a new LogsRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns LogsRequest instance
             */
            static create(properties: shoal.control.LogsRequest.$Shape): shoal.control.LogsRequest & shoal.control.LogsRequest.$Shape;
            static create(properties?: shoal.control.LogsRequest.$Properties): shoal.control.LogsRequest;

            /**
             * Encodes the specified LogsRequest message. Does not implicitly {@link shoal.control.LogsRequest.verify|verify} messages.
             * @param message LogsRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.LogsRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LogsRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.LogsRequest & shoal.control.LogsRequest.$Shape} LogsRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.LogsRequest & shoal.control.LogsRequest.$Shape;
        }

        namespace LogsRequest {

            /** Properties of a LogsRequest. */
            interface $Properties {

                /** LogsRequest level */
                level?: (string|null);

                /** LogsRequest since */
                since?: (number|null);

                /** LogsRequest follow */
                follow?: (boolean|null);

                /** LogsRequest node */
                node?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LogsRequest. */
            type $Shape = shoal.control.LogsRequest.$Properties;
        }

        /**
         * Properties of a LogsResponse.
         * @deprecated Use shoal.control.LogsResponse.$Properties instead.
         */
        interface ILogsResponse extends shoal.control.LogsResponse.$Properties {
        }

        /** Represents a LogsResponse. */
        class LogsResponse {

            /**
             * Constructs a new LogsResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.LogsResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LogsResponse recordsJson. */
            recordsJson: string[];

            /**
             * Creates a new LogsResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns LogsResponse instance
             */
            static create(properties: shoal.control.LogsResponse.$Shape): shoal.control.LogsResponse & shoal.control.LogsResponse.$Shape;
            static create(properties?: shoal.control.LogsResponse.$Properties): shoal.control.LogsResponse;

            /**
             * Encodes the specified LogsResponse message. Does not implicitly {@link shoal.control.LogsResponse.verify|verify} messages.
             * @param message LogsResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.LogsResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LogsResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.LogsResponse & shoal.control.LogsResponse.$Shape} LogsResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.LogsResponse & shoal.control.LogsResponse.$Shape;
        }

        namespace LogsResponse {

            /** Properties of a LogsResponse. */
            interface $Properties {

                /** LogsResponse recordsJson */
                recordsJson?: (string[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LogsResponse. */
            type $Shape = shoal.control.LogsResponse.$Properties;
        }

        /**
         * Properties of a LinksRequest.
         * @deprecated Use shoal.control.LinksRequest.$Properties instead.
         */
        interface ILinksRequest extends shoal.control.LinksRequest.$Properties {
        }

        /** Represents a LinksRequest. */
        class LinksRequest {

            /**
             * Constructs a new LinksRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.LinksRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LinksRequest measure. */
            measure: shoal.control.LinksRequest.Measure;

            /** LinksRequest deadlineMilliseconds. */
            deadlineMilliseconds: number;

            /**
             * Creates a new LinksRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns LinksRequest instance
             */
            static create(properties: shoal.control.LinksRequest.$Shape): shoal.control.LinksRequest & shoal.control.LinksRequest.$Shape;
            static create(properties?: shoal.control.LinksRequest.$Properties): shoal.control.LinksRequest;

            /**
             * Encodes the specified LinksRequest message. Does not implicitly {@link shoal.control.LinksRequest.verify|verify} messages.
             * @param message LinksRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.LinksRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LinksRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.LinksRequest & shoal.control.LinksRequest.$Shape} LinksRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.LinksRequest & shoal.control.LinksRequest.$Shape;
        }

        namespace LinksRequest {

            /** Properties of a LinksRequest. */
            interface $Properties {

                /** LinksRequest measure */
                measure?: (shoal.control.LinksRequest.Measure|null);

                /** LinksRequest deadlineMilliseconds */
                deadlineMilliseconds?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LinksRequest. */
            type $Shape = shoal.control.LinksRequest.$Properties;

            /** Measure enum. */
            enum Measure {

                /** NOTHING value */
                NOTHING = 0,

                /** LATENCY value */
                LATENCY = 1,

                /** LATENCY_AND_BANDWIDTH value */
                LATENCY_AND_BANDWIDTH = 2
            }
        }

        /**
         * Properties of a LinksResponse.
         * @deprecated Use shoal.control.LinksResponse.$Properties instead.
         */
        interface ILinksResponse extends shoal.control.LinksResponse.$Properties {
        }

        /** Represents a LinksResponse. */
        class LinksResponse {

            /**
             * Constructs a new LinksResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.LinksResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LinksResponse reportJson. */
            reportJson: string;

            /**
             * Creates a new LinksResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns LinksResponse instance
             */
            static create(properties: shoal.control.LinksResponse.$Shape): shoal.control.LinksResponse & shoal.control.LinksResponse.$Shape;
            static create(properties?: shoal.control.LinksResponse.$Properties): shoal.control.LinksResponse;

            /**
             * Encodes the specified LinksResponse message. Does not implicitly {@link shoal.control.LinksResponse.verify|verify} messages.
             * @param message LinksResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.LinksResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LinksResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.LinksResponse & shoal.control.LinksResponse.$Shape} LinksResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.LinksResponse & shoal.control.LinksResponse.$Shape;
        }

        namespace LinksResponse {

            /** Properties of a LinksResponse. */
            interface $Properties {

                /** LinksResponse reportJson */
                reportJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LinksResponse. */
            type $Shape = shoal.control.LinksResponse.$Properties;
        }

        /**
         * Properties of a TopologyRequest.
         * @deprecated Use shoal.control.TopologyRequest.$Properties instead.
         */
        interface ITopologyRequest extends shoal.control.TopologyRequest.$Properties {
        }

        /** Represents a TopologyRequest. */
        class TopologyRequest {

            /**
             * Constructs a new TopologyRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.TopologyRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TopologyRequest fresh. */
            fresh: boolean;

            /**
             * Creates a new TopologyRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns TopologyRequest instance
             */
            static create(properties: shoal.control.TopologyRequest.$Shape): shoal.control.TopologyRequest & shoal.control.TopologyRequest.$Shape;
            static create(properties?: shoal.control.TopologyRequest.$Properties): shoal.control.TopologyRequest;

            /**
             * Encodes the specified TopologyRequest message. Does not implicitly {@link shoal.control.TopologyRequest.verify|verify} messages.
             * @param message TopologyRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.TopologyRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TopologyRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.TopologyRequest & shoal.control.TopologyRequest.$Shape} TopologyRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.TopologyRequest & shoal.control.TopologyRequest.$Shape;
        }

        namespace TopologyRequest {

            /** Properties of a TopologyRequest. */
            interface $Properties {

                /** TopologyRequest fresh */
                fresh?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TopologyRequest. */
            type $Shape = shoal.control.TopologyRequest.$Properties;
        }

        /**
         * Properties of a TopologyResponse.
         * @deprecated Use shoal.control.TopologyResponse.$Properties instead.
         */
        interface ITopologyResponse extends shoal.control.TopologyResponse.$Properties {
        }

        /** Represents a TopologyResponse. */
        class TopologyResponse {

            /**
             * Constructs a new TopologyResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.TopologyResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TopologyResponse topologyJson. */
            topologyJson: string;

            /**
             * Creates a new TopologyResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns TopologyResponse instance
             */
            static create(properties: shoal.control.TopologyResponse.$Shape): shoal.control.TopologyResponse & shoal.control.TopologyResponse.$Shape;
            static create(properties?: shoal.control.TopologyResponse.$Properties): shoal.control.TopologyResponse;

            /**
             * Encodes the specified TopologyResponse message. Does not implicitly {@link shoal.control.TopologyResponse.verify|verify} messages.
             * @param message TopologyResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.TopologyResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TopologyResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.TopologyResponse & shoal.control.TopologyResponse.$Shape} TopologyResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.TopologyResponse & shoal.control.TopologyResponse.$Shape;
        }

        namespace TopologyResponse {

            /** Properties of a TopologyResponse. */
            interface $Properties {

                /** TopologyResponse topologyJson */
                topologyJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TopologyResponse. */
            type $Shape = shoal.control.TopologyResponse.$Properties;
        }

        /**
         * Properties of a ReadinessRequest.
         * @deprecated Use shoal.control.ReadinessRequest.$Properties instead.
         */
        interface IReadinessRequest extends shoal.control.ReadinessRequest.$Properties {
        }

        /** Represents a ReadinessRequest. */
        class ReadinessRequest {

            /**
             * Constructs a new ReadinessRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ReadinessRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ReadinessRequest model. */
            model: string;

            /** ReadinessRequest factsOnly. */
            factsOnly: boolean;

            /**
             * Creates a new ReadinessRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ReadinessRequest instance
             */
            static create(properties: shoal.control.ReadinessRequest.$Shape): shoal.control.ReadinessRequest & shoal.control.ReadinessRequest.$Shape;
            static create(properties?: shoal.control.ReadinessRequest.$Properties): shoal.control.ReadinessRequest;

            /**
             * Encodes the specified ReadinessRequest message. Does not implicitly {@link shoal.control.ReadinessRequest.verify|verify} messages.
             * @param message ReadinessRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ReadinessRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ReadinessRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ReadinessRequest & shoal.control.ReadinessRequest.$Shape} ReadinessRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ReadinessRequest & shoal.control.ReadinessRequest.$Shape;
        }

        namespace ReadinessRequest {

            /** Properties of a ReadinessRequest. */
            interface $Properties {

                /** ReadinessRequest model */
                model?: (string|null);

                /** ReadinessRequest factsOnly */
                factsOnly?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ReadinessRequest. */
            type $Shape = shoal.control.ReadinessRequest.$Properties;
        }

        /**
         * Properties of a ReadinessResponse.
         * @deprecated Use shoal.control.ReadinessResponse.$Properties instead.
         */
        interface IReadinessResponse extends shoal.control.ReadinessResponse.$Properties {
        }

        /** Represents a ReadinessResponse. */
        class ReadinessResponse {

            /**
             * Constructs a new ReadinessResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ReadinessResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ReadinessResponse readinessJson. */
            readinessJson: string;

            /**
             * Creates a new ReadinessResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ReadinessResponse instance
             */
            static create(properties: shoal.control.ReadinessResponse.$Shape): shoal.control.ReadinessResponse & shoal.control.ReadinessResponse.$Shape;
            static create(properties?: shoal.control.ReadinessResponse.$Properties): shoal.control.ReadinessResponse;

            /**
             * Encodes the specified ReadinessResponse message. Does not implicitly {@link shoal.control.ReadinessResponse.verify|verify} messages.
             * @param message ReadinessResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ReadinessResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ReadinessResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ReadinessResponse & shoal.control.ReadinessResponse.$Shape} ReadinessResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ReadinessResponse & shoal.control.ReadinessResponse.$Shape;
        }

        namespace ReadinessResponse {

            /** Properties of a ReadinessResponse. */
            interface $Properties {

                /** ReadinessResponse readinessJson */
                readinessJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ReadinessResponse. */
            type $Shape = shoal.control.ReadinessResponse.$Properties;
        }

        /**
         * Properties of a ClockRequest.
         * @deprecated Use shoal.control.ClockRequest.$Properties instead.
         */
        interface IClockRequest extends shoal.control.ClockRequest.$Properties {
        }

        /** Represents a ClockRequest. */
        class ClockRequest {

            /**
             * Constructs a new ClockRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ClockRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new ClockRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ClockRequest instance
             */
            static create(properties: shoal.control.ClockRequest.$Shape): shoal.control.ClockRequest & shoal.control.ClockRequest.$Shape;
            static create(properties?: shoal.control.ClockRequest.$Properties): shoal.control.ClockRequest;

            /**
             * Encodes the specified ClockRequest message. Does not implicitly {@link shoal.control.ClockRequest.verify|verify} messages.
             * @param message ClockRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ClockRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ClockRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ClockRequest & shoal.control.ClockRequest.$Shape} ClockRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ClockRequest & shoal.control.ClockRequest.$Shape;
        }

        namespace ClockRequest {

            /** Properties of a ClockRequest. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ClockRequest. */
            type $Shape = shoal.control.ClockRequest.$Properties;
        }

        /**
         * Properties of a ClockResponse.
         * @deprecated Use shoal.control.ClockResponse.$Properties instead.
         */
        interface IClockResponse extends shoal.control.ClockResponse.$Properties {
        }

        /** Represents a ClockResponse. */
        class ClockResponse {

            /**
             * Constructs a new ClockResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ClockResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ClockResponse clockMilliseconds. */
            clockMilliseconds: number;

            /**
             * Creates a new ClockResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ClockResponse instance
             */
            static create(properties: shoal.control.ClockResponse.$Shape): shoal.control.ClockResponse & shoal.control.ClockResponse.$Shape;
            static create(properties?: shoal.control.ClockResponse.$Properties): shoal.control.ClockResponse;

            /**
             * Encodes the specified ClockResponse message. Does not implicitly {@link shoal.control.ClockResponse.verify|verify} messages.
             * @param message ClockResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ClockResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ClockResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ClockResponse & shoal.control.ClockResponse.$Shape} ClockResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ClockResponse & shoal.control.ClockResponse.$Shape;
        }

        namespace ClockResponse {

            /** Properties of a ClockResponse. */
            interface $Properties {

                /** ClockResponse clockMilliseconds */
                clockMilliseconds?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ClockResponse. */
            type $Shape = shoal.control.ClockResponse.$Properties;
        }

        /**
         * Properties of a ConsensusRequest.
         * @deprecated Use shoal.control.ConsensusRequest.$Properties instead.
         */
        interface IConsensusRequest extends shoal.control.ConsensusRequest.$Properties {
        }

        /** Represents a ConsensusRequest. */
        class ConsensusRequest {

            /**
             * Constructs a new ConsensusRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ConsensusRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ConsensusRequest messages. */
            messages: shoal.control.ConsensusMessage.$Properties[];

            /**
             * Creates a new ConsensusRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ConsensusRequest instance
             */
            static create(properties: shoal.control.ConsensusRequest.$Shape): shoal.control.ConsensusRequest & shoal.control.ConsensusRequest.$Shape;
            static create(properties?: shoal.control.ConsensusRequest.$Properties): shoal.control.ConsensusRequest;

            /**
             * Encodes the specified ConsensusRequest message. Does not implicitly {@link shoal.control.ConsensusRequest.verify|verify} messages.
             * @param message ConsensusRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ConsensusRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ConsensusRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ConsensusRequest & shoal.control.ConsensusRequest.$Shape} ConsensusRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ConsensusRequest & shoal.control.ConsensusRequest.$Shape;
        }

        namespace ConsensusRequest {

            /** Properties of a ConsensusRequest. */
            interface $Properties {

                /** ConsensusRequest messages */
                messages?: (shoal.control.ConsensusMessage.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ConsensusRequest. */
            type $Shape = {
              messages?: shoal.control.ConsensusMessage.$Shape[]|null;
              $unknowns?: Uint8Array[];
            };
        }

        /**
         * Properties of a ConsensusResponse.
         * @deprecated Use shoal.control.ConsensusResponse.$Properties instead.
         */
        interface IConsensusResponse extends shoal.control.ConsensusResponse.$Properties {
        }

        /** Represents a ConsensusResponse. */
        class ConsensusResponse {

            /**
             * Constructs a new ConsensusResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ConsensusResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new ConsensusResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ConsensusResponse instance
             */
            static create(properties: shoal.control.ConsensusResponse.$Shape): shoal.control.ConsensusResponse & shoal.control.ConsensusResponse.$Shape;
            static create(properties?: shoal.control.ConsensusResponse.$Properties): shoal.control.ConsensusResponse;

            /**
             * Encodes the specified ConsensusResponse message. Does not implicitly {@link shoal.control.ConsensusResponse.verify|verify} messages.
             * @param message ConsensusResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ConsensusResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ConsensusResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ConsensusResponse & shoal.control.ConsensusResponse.$Shape} ConsensusResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ConsensusResponse & shoal.control.ConsensusResponse.$Shape;
        }

        namespace ConsensusResponse {

            /** Properties of a ConsensusResponse. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ConsensusResponse. */
            type $Shape = shoal.control.ConsensusResponse.$Properties;
        }

        /**
         * Properties of a ConsensusMessage.
         * @deprecated Use shoal.control.ConsensusMessage.$Properties instead.
         */
        interface IConsensusMessage extends shoal.control.ConsensusMessage.$Properties {
        }

        /** Represents a ConsensusMessage. */
        class ConsensusMessage {

            /**
             * Constructs a new ConsensusMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ConsensusMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ConsensusMessage candidacy. */
            candidacy?: (shoal.control.Candidacy.$Properties|null);

            /** ConsensusMessage fact. */
            fact?: (shoal.control.FactRecord.$Properties|null);

            /** ConsensusMessage decision. */
            decision?: (shoal.control.Decision.$Properties|null);

            /** ConsensusMessage command. */
            command?: (shoal.control.Command.$Properties|null);

            /** ConsensusMessage rejection. */
            rejection?: (shoal.control.Rejection.$Properties|null);

            /** ConsensusMessage acknowledgement. */
            acknowledgement?: (shoal.control.Acknowledgement.$Properties|null);

            /** ConsensusMessage digest. */
            digest?: (shoal.control.Digest.$Properties|null);

            /** ConsensusMessage snapshot. */
            snapshot?: (shoal.control.Snapshot.$Properties|null);

            /** ConsensusMessage kind. */
            kind?: ("candidacy"|"fact"|"decision"|"command"|"rejection"|"acknowledgement"|"digest"|"snapshot");

            /**
             * Creates a new ConsensusMessage instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ConsensusMessage instance
             */
            static create(properties: shoal.control.ConsensusMessage.$Shape): shoal.control.ConsensusMessage & shoal.control.ConsensusMessage.$Shape;
            static create(properties?: shoal.control.ConsensusMessage.$Properties): shoal.control.ConsensusMessage;

            /**
             * Encodes the specified ConsensusMessage message. Does not implicitly {@link shoal.control.ConsensusMessage.verify|verify} messages.
             * @param message ConsensusMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ConsensusMessage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ConsensusMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ConsensusMessage & shoal.control.ConsensusMessage.$Shape} ConsensusMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ConsensusMessage & shoal.control.ConsensusMessage.$Shape;
        }

        namespace ConsensusMessage {

            /** Properties of a ConsensusMessage. */
            interface $Properties {

                /** ConsensusMessage candidacy */
                candidacy?: (shoal.control.Candidacy.$Properties|null);

                /** ConsensusMessage fact */
                fact?: (shoal.control.FactRecord.$Properties|null);

                /** ConsensusMessage decision */
                decision?: (shoal.control.Decision.$Properties|null);

                /** ConsensusMessage command */
                command?: (shoal.control.Command.$Properties|null);

                /** ConsensusMessage rejection */
                rejection?: (shoal.control.Rejection.$Properties|null);

                /** ConsensusMessage acknowledgement */
                acknowledgement?: (shoal.control.Acknowledgement.$Properties|null);

                /** ConsensusMessage digest */
                digest?: (shoal.control.Digest.$Properties|null);

                /** ConsensusMessage snapshot */
                snapshot?: (shoal.control.Snapshot.$Properties|null);

                /** ConsensusMessage kind */
                kind?: ("candidacy"|"fact"|"decision"|"command"|"rejection"|"acknowledgement"|"digest"|"snapshot");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a ConsensusMessage. */
            type $Shape = {
              candidacy?: shoal.control.Candidacy.$Shape|null;
              fact?: shoal.control.FactRecord.$Shape|null;
              decision?: shoal.control.Decision.$Shape|null;
              command?: shoal.control.Command.$Shape|null;
              rejection?: shoal.control.Rejection.$Shape|null;
              acknowledgement?: shoal.control.Acknowledgement.$Shape|null;
              digest?: shoal.control.Digest.$Shape|null;
              snapshot?: shoal.control.Snapshot.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ kind?: undefined; candidacy?: null; fact?: null; decision?: null; command?: null; rejection?: null; acknowledgement?: null; digest?: null; snapshot?: null }|{ kind?: "candidacy"; candidacy: shoal.control.Candidacy.$Shape; fact?: null; decision?: null; command?: null; rejection?: null; acknowledgement?: null; digest?: null; snapshot?: null }|{ kind?: "fact"; candidacy?: null; fact: shoal.control.FactRecord.$Shape; decision?: null; command?: null; rejection?: null; acknowledgement?: null; digest?: null; snapshot?: null }|{ kind?: "decision"; candidacy?: null; fact?: null; decision: shoal.control.Decision.$Shape; command?: null; rejection?: null; acknowledgement?: null; digest?: null; snapshot?: null }|{ kind?: "command"; candidacy?: null; fact?: null; decision?: null; command: shoal.control.Command.$Shape; rejection?: null; acknowledgement?: null; digest?: null; snapshot?: null }|{ kind?: "rejection"; candidacy?: null; fact?: null; decision?: null; command?: null; rejection: shoal.control.Rejection.$Shape; acknowledgement?: null; digest?: null; snapshot?: null }|{ kind?: "acknowledgement"; candidacy?: null; fact?: null; decision?: null; command?: null; rejection?: null; acknowledgement: shoal.control.Acknowledgement.$Shape; digest?: null; snapshot?: null }|{ kind?: "digest"; candidacy?: null; fact?: null; decision?: null; command?: null; rejection?: null; acknowledgement?: null; digest: shoal.control.Digest.$Shape; snapshot?: null }|{ kind?: "snapshot"; candidacy?: null; fact?: null; decision?: null; command?: null; rejection?: null; acknowledgement?: null; digest?: null; snapshot: shoal.control.Snapshot.$Shape })
            );
        }

        /**
         * Properties of a Candidacy.
         * @deprecated Use shoal.control.Candidacy.$Properties instead.
         */
        interface ICandidacy extends shoal.control.Candidacy.$Properties {
        }

        /** Represents a Candidacy. */
        class Candidacy {

            /**
             * Constructs a new Candidacy.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Candidacy.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Candidacy clock. */
            clock: number;

            /** Candidacy seniority. */
            seniority: number;

            /** Candidacy commandCount. */
            commandCount: number;

            /** Candidacy nodeId. */
            nodeId: string;

            /** Candidacy life. */
            life: string;

            /**
             * Creates a new Candidacy instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Candidacy instance
             */
            static create(properties: shoal.control.Candidacy.$Shape): shoal.control.Candidacy & shoal.control.Candidacy.$Shape;
            static create(properties?: shoal.control.Candidacy.$Properties): shoal.control.Candidacy;

            /**
             * Encodes the specified Candidacy message. Does not implicitly {@link shoal.control.Candidacy.verify|verify} messages.
             * @param message Candidacy message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Candidacy.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Candidacy message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Candidacy & shoal.control.Candidacy.$Shape} Candidacy
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Candidacy & shoal.control.Candidacy.$Shape;
        }

        namespace Candidacy {

            /** Properties of a Candidacy. */
            interface $Properties {

                /** Candidacy clock */
                clock?: (number|null);

                /** Candidacy seniority */
                seniority?: (number|null);

                /** Candidacy commandCount */
                commandCount?: (number|null);

                /** Candidacy nodeId */
                nodeId?: (string|null);

                /** Candidacy life */
                life?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Candidacy. */
            type $Shape = shoal.control.Candidacy.$Properties;
        }

        /**
         * Properties of a FactRecord.
         * @deprecated Use shoal.control.FactRecord.$Properties instead.
         */
        interface IFactRecord extends shoal.control.FactRecord.$Properties {
        }

        /** Represents a FactRecord. */
        class FactRecord {

            /**
             * Constructs a new FactRecord.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.FactRecord.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** FactRecord nodeId. */
            nodeId: string;

            /** FactRecord incarnation. */
            incarnation: number;

            /** FactRecord version. */
            version: number;

            /** FactRecord factJson. */
            factJson: string;

            /**
             * Creates a new FactRecord instance using the specified properties.
             * @param [properties] Properties to set
             * @returns FactRecord instance
             */
            static create(properties: shoal.control.FactRecord.$Shape): shoal.control.FactRecord & shoal.control.FactRecord.$Shape;
            static create(properties?: shoal.control.FactRecord.$Properties): shoal.control.FactRecord;

            /**
             * Encodes the specified FactRecord message. Does not implicitly {@link shoal.control.FactRecord.verify|verify} messages.
             * @param message FactRecord message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.FactRecord.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a FactRecord message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.FactRecord & shoal.control.FactRecord.$Shape} FactRecord
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.FactRecord & shoal.control.FactRecord.$Shape;
        }

        namespace FactRecord {

            /** Properties of a FactRecord. */
            interface $Properties {

                /** FactRecord nodeId */
                nodeId?: (string|null);

                /** FactRecord incarnation */
                incarnation?: (number|null);

                /** FactRecord version */
                version?: (number|null);

                /** FactRecord factJson */
                factJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a FactRecord. */
            type $Shape = shoal.control.FactRecord.$Properties;
        }

        /**
         * Properties of a Session.
         * @deprecated Use shoal.control.Session.$Properties instead.
         */
        interface ISession extends shoal.control.Session.$Properties {
        }

        /** Represents a Session. */
        class Session {

            /**
             * Constructs a new Session.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Session.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Session term. */
            term: number;

            /** Session leader. */
            leader: string;

            /** Session nonce. */
            nonce: string;

            /**
             * Creates a new Session instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Session instance
             */
            static create(properties: shoal.control.Session.$Shape): shoal.control.Session & shoal.control.Session.$Shape;
            static create(properties?: shoal.control.Session.$Properties): shoal.control.Session;

            /**
             * Encodes the specified Session message. Does not implicitly {@link shoal.control.Session.verify|verify} messages.
             * @param message Session message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Session.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Session message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Session & shoal.control.Session.$Shape} Session
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Session & shoal.control.Session.$Shape;
        }

        namespace Session {

            /** Properties of a Session. */
            interface $Properties {

                /** Session term */
                term?: (number|null);

                /** Session leader */
                leader?: (string|null);

                /** Session nonce */
                nonce?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Session. */
            type $Shape = shoal.control.Session.$Properties;
        }

        /**
         * Properties of a Decision.
         * @deprecated Use shoal.control.Decision.$Properties instead.
         */
        interface IDecision extends shoal.control.Decision.$Properties {
        }

        /** Represents a Decision. */
        class Decision {

            /**
             * Constructs a new Decision.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Decision.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Decision id. */
            id: string;

            /** Decision session. */
            session?: (shoal.control.Session.$Properties|null);

            /** Decision sequence. */
            sequence: number;

            /** Decision order. */
            order: number;

            /** Decision changeJson. */
            changeJson: string;

            /**
             * Creates a new Decision instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Decision instance
             */
            static create(properties: shoal.control.Decision.$Shape): shoal.control.Decision & shoal.control.Decision.$Shape;
            static create(properties?: shoal.control.Decision.$Properties): shoal.control.Decision;

            /**
             * Encodes the specified Decision message. Does not implicitly {@link shoal.control.Decision.verify|verify} messages.
             * @param message Decision message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Decision.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Decision message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Decision & shoal.control.Decision.$Shape} Decision
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Decision & shoal.control.Decision.$Shape;
        }

        namespace Decision {

            /** Properties of a Decision. */
            interface $Properties {

                /** Decision id */
                id?: (string|null);

                /** Decision session */
                session?: (shoal.control.Session.$Properties|null);

                /** Decision sequence */
                sequence?: (number|null);

                /** Decision order */
                order?: (number|null);

                /** Decision changeJson */
                changeJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Decision. */
            type $Shape = shoal.control.Decision.$Properties;
        }

        /**
         * Properties of a Command.
         * @deprecated Use shoal.control.Command.$Properties instead.
         */
        interface ICommand extends shoal.control.Command.$Properties {
        }

        /** Represents a Command. */
        class Command {

            /**
             * Constructs a new Command.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Command.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Command id. */
            id: string;

            /** Command origin. */
            origin: string;

            /** Command changeJson. */
            changeJson: string;

            /** Command attempt. */
            attempt: number;

            /**
             * Creates a new Command instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Command instance
             */
            static create(properties: shoal.control.Command.$Shape): shoal.control.Command & shoal.control.Command.$Shape;
            static create(properties?: shoal.control.Command.$Properties): shoal.control.Command;

            /**
             * Encodes the specified Command message. Does not implicitly {@link shoal.control.Command.verify|verify} messages.
             * @param message Command message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Command.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Command message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Command & shoal.control.Command.$Shape} Command
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Command & shoal.control.Command.$Shape;
        }

        namespace Command {

            /** Properties of a Command. */
            interface $Properties {

                /** Command id */
                id?: (string|null);

                /** Command origin */
                origin?: (string|null);

                /** Command changeJson */
                changeJson?: (string|null);

                /** Command attempt */
                attempt?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Command. */
            type $Shape = shoal.control.Command.$Properties;
        }

        /**
         * Properties of a Rejection.
         * @deprecated Use shoal.control.Rejection.$Properties instead.
         */
        interface IRejection extends shoal.control.Rejection.$Properties {
        }

        /** Represents a Rejection. */
        class Rejection {

            /**
             * Constructs a new Rejection.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Rejection.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Rejection command. */
            command: string;

            /** Rejection origin. */
            origin: string;

            /** Rejection attempt. */
            attempt: number;

            /** Rejection code. */
            code: string;

            /** Rejection message. */
            message: string;

            /**
             * Creates a new Rejection instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Rejection instance
             */
            static create(properties: shoal.control.Rejection.$Shape): shoal.control.Rejection & shoal.control.Rejection.$Shape;
            static create(properties?: shoal.control.Rejection.$Properties): shoal.control.Rejection;

            /**
             * Encodes the specified Rejection message. Does not implicitly {@link shoal.control.Rejection.verify|verify} messages.
             * @param message Rejection message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Rejection.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Rejection message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Rejection & shoal.control.Rejection.$Shape} Rejection
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Rejection & shoal.control.Rejection.$Shape;
        }

        namespace Rejection {

            /** Properties of a Rejection. */
            interface $Properties {

                /** Rejection command */
                command?: (string|null);

                /** Rejection origin */
                origin?: (string|null);

                /** Rejection attempt */
                attempt?: (number|null);

                /** Rejection code */
                code?: (string|null);

                /** Rejection message */
                message?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Rejection. */
            type $Shape = shoal.control.Rejection.$Properties;
        }

        /**
         * Properties of an Acknowledgement.
         * @deprecated Use shoal.control.Acknowledgement.$Properties instead.
         */
        interface IAcknowledgement extends shoal.control.Acknowledgement.$Properties {
        }

        /** Represents an Acknowledgement. */
        class Acknowledgement {

            /**
             * Constructs a new Acknowledgement.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Acknowledgement.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Acknowledgement decision. */
            decision: string;

            /**
             * Creates a new Acknowledgement instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Acknowledgement instance
             */
            static create(properties: shoal.control.Acknowledgement.$Shape): shoal.control.Acknowledgement & shoal.control.Acknowledgement.$Shape;
            static create(properties?: shoal.control.Acknowledgement.$Properties): shoal.control.Acknowledgement;

            /**
             * Encodes the specified Acknowledgement message. Does not implicitly {@link shoal.control.Acknowledgement.verify|verify} messages.
             * @param message Acknowledgement message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Acknowledgement.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Acknowledgement message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Acknowledgement & shoal.control.Acknowledgement.$Shape} Acknowledgement
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Acknowledgement & shoal.control.Acknowledgement.$Shape;
        }

        namespace Acknowledgement {

            /** Properties of an Acknowledgement. */
            interface $Properties {

                /** Acknowledgement decision */
                decision?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Acknowledgement. */
            type $Shape = shoal.control.Acknowledgement.$Properties;
        }

        /**
         * Properties of a Digest.
         * @deprecated Use shoal.control.Digest.$Properties instead.
         */
        interface IDigest extends shoal.control.Digest.$Properties {
        }

        /** Represents a Digest. */
        class Digest {

            /**
             * Constructs a new Digest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Digest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Digest entries. */
            entries: shoal.control.DigestEntry.$Properties[];

            /** Digest decisions. */
            decisions: string;

            /** Digest candidacy. */
            candidacy?: (shoal.control.Candidacy.$Properties|null);

            /** Digest reply. */
            reply: shoal.control.Digest.Reply;

            /**
             * Creates a new Digest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Digest instance
             */
            static create(properties: shoal.control.Digest.$Shape): shoal.control.Digest & shoal.control.Digest.$Shape;
            static create(properties?: shoal.control.Digest.$Properties): shoal.control.Digest;

            /**
             * Encodes the specified Digest message. Does not implicitly {@link shoal.control.Digest.verify|verify} messages.
             * @param message Digest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Digest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Digest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Digest & shoal.control.Digest.$Shape} Digest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Digest & shoal.control.Digest.$Shape;
        }

        namespace Digest {

            /** Properties of a Digest. */
            interface $Properties {

                /** Digest entries */
                entries?: (shoal.control.DigestEntry.$Properties[]|null);

                /** Digest decisions */
                decisions?: (string|null);

                /** Digest candidacy */
                candidacy?: (shoal.control.Candidacy.$Properties|null);

                /** Digest reply */
                reply?: (shoal.control.Digest.Reply|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Digest. */
            type $Shape = shoal.control.Digest.$Properties;

            /** Reply enum. */
            enum Reply {

                /** NEVER value */
                NEVER = 0,

                /** IF_DIFFERENT value */
                IF_DIFFERENT = 1,

                /** ALWAYS value */
                ALWAYS = 2
            }
        }

        /**
         * Properties of a DigestEntry.
         * @deprecated Use shoal.control.DigestEntry.$Properties instead.
         */
        interface IDigestEntry extends shoal.control.DigestEntry.$Properties {
        }

        /** Represents a DigestEntry. */
        class DigestEntry {

            /**
             * Constructs a new DigestEntry.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.DigestEntry.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** DigestEntry nodeId. */
            nodeId: string;

            /** DigestEntry incarnation. */
            incarnation: number;

            /** DigestEntry version. */
            version: number;

            /** DigestEntry beat. */
            beat: number;

            /**
             * Creates a new DigestEntry instance using the specified properties.
             * @param [properties] Properties to set
             * @returns DigestEntry instance
             */
            static create(properties: shoal.control.DigestEntry.$Shape): shoal.control.DigestEntry & shoal.control.DigestEntry.$Shape;
            static create(properties?: shoal.control.DigestEntry.$Properties): shoal.control.DigestEntry;

            /**
             * Encodes the specified DigestEntry message. Does not implicitly {@link shoal.control.DigestEntry.verify|verify} messages.
             * @param message DigestEntry message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.DigestEntry.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a DigestEntry message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.DigestEntry & shoal.control.DigestEntry.$Shape} DigestEntry
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.DigestEntry & shoal.control.DigestEntry.$Shape;
        }

        namespace DigestEntry {

            /** Properties of a DigestEntry. */
            interface $Properties {

                /** DigestEntry nodeId */
                nodeId?: (string|null);

                /** DigestEntry incarnation */
                incarnation?: (number|null);

                /** DigestEntry version */
                version?: (number|null);

                /** DigestEntry beat */
                beat?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a DigestEntry. */
            type $Shape = shoal.control.DigestEntry.$Properties;
        }

        /**
         * Properties of a Snapshot.
         * @deprecated Use shoal.control.Snapshot.$Properties instead.
         */
        interface ISnapshot extends shoal.control.Snapshot.$Properties {
        }

        /** Represents a Snapshot. */
        class Snapshot {

            /**
             * Constructs a new Snapshot.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Snapshot.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Snapshot facts. */
            facts: shoal.control.FactRecord.$Properties[];

            /** Snapshot decisions. */
            decisions?: (shoal.control.Decisions.$Properties|null);

            /**
             * Creates a new Snapshot instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Snapshot instance
             */
            static create(properties: shoal.control.Snapshot.$Shape): shoal.control.Snapshot & shoal.control.Snapshot.$Shape;
            static create(properties?: shoal.control.Snapshot.$Properties): shoal.control.Snapshot;

            /**
             * Encodes the specified Snapshot message. Does not implicitly {@link shoal.control.Snapshot.verify|verify} messages.
             * @param message Snapshot message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Snapshot.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Snapshot message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Snapshot & shoal.control.Snapshot.$Shape} Snapshot
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Snapshot & shoal.control.Snapshot.$Shape;
        }

        namespace Snapshot {

            /** Properties of a Snapshot. */
            interface $Properties {

                /** Snapshot facts */
                facts?: (shoal.control.FactRecord.$Properties[]|null);

                /** Snapshot decisions */
                decisions?: (shoal.control.Decisions.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Snapshot. */
            type $Shape = shoal.control.Snapshot.$Properties;
        }

        /**
         * Properties of a Decisions.
         * @deprecated Use shoal.control.Decisions.$Properties instead.
         */
        interface IDecisions extends shoal.control.Decisions.$Properties {
        }

        /** Represents a Decisions. */
        class Decisions {

            /**
             * Constructs a new Decisions.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.Decisions.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Decisions writes. */
            writes: shoal.control.Decision.$Properties[];

            /** Decisions seen. */
            seen: shoal.control.SeenSession.$Properties[];

            /** Decisions forgottenTerm. */
            forgottenTerm: number;

            /**
             * Creates a new Decisions instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Decisions instance
             */
            static create(properties: shoal.control.Decisions.$Shape): shoal.control.Decisions & shoal.control.Decisions.$Shape;
            static create(properties?: shoal.control.Decisions.$Properties): shoal.control.Decisions;

            /**
             * Encodes the specified Decisions message. Does not implicitly {@link shoal.control.Decisions.verify|verify} messages.
             * @param message Decisions message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.Decisions.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Decisions message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.Decisions & shoal.control.Decisions.$Shape} Decisions
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.Decisions & shoal.control.Decisions.$Shape;
        }

        namespace Decisions {

            /** Properties of a Decisions. */
            interface $Properties {

                /** Decisions writes */
                writes?: (shoal.control.Decision.$Properties[]|null);

                /** Decisions seen */
                seen?: (shoal.control.SeenSession.$Properties[]|null);

                /** Decisions forgottenTerm */
                forgottenTerm?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Decisions. */
            type $Shape = shoal.control.Decisions.$Properties;
        }

        /**
         * Properties of a SeenSession.
         * @deprecated Use shoal.control.SeenSession.$Properties instead.
         */
        interface ISeenSession extends shoal.control.SeenSession.$Properties {
        }

        /** Represents a SeenSession. */
        class SeenSession {

            /**
             * Constructs a new SeenSession.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.SeenSession.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SeenSession session. */
            session: string;

            /** SeenSession sequence. */
            sequence: number;

            /**
             * Creates a new SeenSession instance using the specified properties.
             * @param [properties] Properties to set
             * @returns SeenSession instance
             */
            static create(properties: shoal.control.SeenSession.$Shape): shoal.control.SeenSession & shoal.control.SeenSession.$Shape;
            static create(properties?: shoal.control.SeenSession.$Properties): shoal.control.SeenSession;

            /**
             * Encodes the specified SeenSession message. Does not implicitly {@link shoal.control.SeenSession.verify|verify} messages.
             * @param message SeenSession message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.SeenSession.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SeenSession message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.SeenSession & shoal.control.SeenSession.$Shape} SeenSession
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.SeenSession & shoal.control.SeenSession.$Shape;
        }

        namespace SeenSession {

            /** Properties of a SeenSession. */
            interface $Properties {

                /** SeenSession session */
                session?: (string|null);

                /** SeenSession sequence */
                sequence?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SeenSession. */
            type $Shape = shoal.control.SeenSession.$Properties;
        }

        /**
         * Properties of a ClusterStateRequest.
         * @deprecated Use shoal.control.ClusterStateRequest.$Properties instead.
         */
        interface IClusterStateRequest extends shoal.control.ClusterStateRequest.$Properties {
        }

        /** Represents a ClusterStateRequest. */
        class ClusterStateRequest {

            /**
             * Constructs a new ClusterStateRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ClusterStateRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new ClusterStateRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ClusterStateRequest instance
             */
            static create(properties: shoal.control.ClusterStateRequest.$Shape): shoal.control.ClusterStateRequest & shoal.control.ClusterStateRequest.$Shape;
            static create(properties?: shoal.control.ClusterStateRequest.$Properties): shoal.control.ClusterStateRequest;

            /**
             * Encodes the specified ClusterStateRequest message. Does not implicitly {@link shoal.control.ClusterStateRequest.verify|verify} messages.
             * @param message ClusterStateRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ClusterStateRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ClusterStateRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ClusterStateRequest & shoal.control.ClusterStateRequest.$Shape} ClusterStateRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ClusterStateRequest & shoal.control.ClusterStateRequest.$Shape;
        }

        namespace ClusterStateRequest {

            /** Properties of a ClusterStateRequest. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ClusterStateRequest. */
            type $Shape = shoal.control.ClusterStateRequest.$Properties;
        }

        /**
         * Properties of a ClusterStateResponse.
         * @deprecated Use shoal.control.ClusterStateResponse.$Properties instead.
         */
        interface IClusterStateResponse extends shoal.control.ClusterStateResponse.$Properties {
        }

        /** Represents a ClusterStateResponse. */
        class ClusterStateResponse {

            /**
             * Constructs a new ClusterStateResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.ClusterStateResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ClusterStateResponse stateJson. */
            stateJson: string;

            /**
             * Creates a new ClusterStateResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ClusterStateResponse instance
             */
            static create(properties: shoal.control.ClusterStateResponse.$Shape): shoal.control.ClusterStateResponse & shoal.control.ClusterStateResponse.$Shape;
            static create(properties?: shoal.control.ClusterStateResponse.$Properties): shoal.control.ClusterStateResponse;

            /**
             * Encodes the specified ClusterStateResponse message. Does not implicitly {@link shoal.control.ClusterStateResponse.verify|verify} messages.
             * @param message ClusterStateResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.ClusterStateResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ClusterStateResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.ClusterStateResponse & shoal.control.ClusterStateResponse.$Shape} ClusterStateResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.ClusterStateResponse & shoal.control.ClusterStateResponse.$Shape;
        }

        namespace ClusterStateResponse {

            /** Properties of a ClusterStateResponse. */
            interface $Properties {

                /** ClusterStateResponse stateJson */
                stateJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ClusterStateResponse. */
            type $Shape = shoal.control.ClusterStateResponse.$Properties;
        }

        /**
         * Properties of an OperateRequest.
         * @deprecated Use shoal.control.OperateRequest.$Properties instead.
         */
        interface IOperateRequest extends shoal.control.OperateRequest.$Properties {
        }

        /** Represents an OperateRequest. */
        class OperateRequest {

            /**
             * Constructs a new OperateRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.OperateRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** OperateRequest operationJson. */
            operationJson: string;

            /**
             * Creates a new OperateRequest instance using the specified properties.
             * @param [properties] Properties to set
             * @returns OperateRequest instance
             */
            static create(properties: shoal.control.OperateRequest.$Shape): shoal.control.OperateRequest & shoal.control.OperateRequest.$Shape;
            static create(properties?: shoal.control.OperateRequest.$Properties): shoal.control.OperateRequest;

            /**
             * Encodes the specified OperateRequest message. Does not implicitly {@link shoal.control.OperateRequest.verify|verify} messages.
             * @param message OperateRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.OperateRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an OperateRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.OperateRequest & shoal.control.OperateRequest.$Shape} OperateRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.OperateRequest & shoal.control.OperateRequest.$Shape;
        }

        namespace OperateRequest {

            /** Properties of an OperateRequest. */
            interface $Properties {

                /** OperateRequest operationJson */
                operationJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an OperateRequest. */
            type $Shape = shoal.control.OperateRequest.$Properties;
        }

        /**
         * Properties of an OperateResponse.
         * @deprecated Use shoal.control.OperateResponse.$Properties instead.
         */
        interface IOperateResponse extends shoal.control.OperateResponse.$Properties {
        }

        /** Represents an OperateResponse. */
        class OperateResponse {

            /**
             * Constructs a new OperateResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.control.OperateResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** OperateResponse outcomeJson. */
            outcomeJson: string;

            /**
             * Creates a new OperateResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns OperateResponse instance
             */
            static create(properties: shoal.control.OperateResponse.$Shape): shoal.control.OperateResponse & shoal.control.OperateResponse.$Shape;
            static create(properties?: shoal.control.OperateResponse.$Properties): shoal.control.OperateResponse;

            /**
             * Encodes the specified OperateResponse message. Does not implicitly {@link shoal.control.OperateResponse.verify|verify} messages.
             * @param message OperateResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.control.OperateResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an OperateResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.control.OperateResponse & shoal.control.OperateResponse.$Shape} OperateResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.control.OperateResponse & shoal.control.OperateResponse.$Shape;
        }

        namespace OperateResponse {

            /** Properties of an OperateResponse. */
            interface $Properties {

                /** OperateResponse outcomeJson */
                outcomeJson?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an OperateResponse. */
            type $Shape = shoal.control.OperateResponse.$Properties;
        }
    }
}
