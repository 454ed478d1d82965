// Made by `npm run wire -w inbox`.
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What became of a bot's answer. */
        Accepted: {
            accepted: boolean;
            /** @description How much of it was withheld. */
            suppressed: number;
        };
        /** @description Who wrote or did something. */
        Actor: {
            /** @enum {string} */
            kind: "visitor";
        } | {
            /** @description Its id. */
            bot: string;
            /** @enum {string} */
            kind: "bot";
        } | {
            /** @description Their id. */
            agent: string;
            /** @enum {string} */
            kind: "agent";
        } | {
            /** @enum {string} */
            kind: "external";
            /** @description As the channel names them. */
            name: string;
        } | {
            /** @enum {string} */
            kind: "system";
        };
        /** @description What was added. */
        AddedSource: {
            id: string;
        };
        /** @description An article to be read. */
        ArticleText: {
            id: string;
            internal: boolean;
            language?: string | null;
            published: boolean;
            /** @description The source's id and name. */
            source: string;
            source_name: string;
            /** @description Markdown. A citation's `span` counts its bytes. */
            text: string;
            title: string;
            /** @description Its content hash now; a citation of another one is of an earlier text, which is not kept. */
            version: string;
        };
        /** @description An article of a source. */
        ArticleView: {
            id: string;
            internal: boolean;
            language?: string | null;
            published: boolean;
            title: string;
            /** @description Its content hash, as citations name it. */
            version: string;
            words: number;
        };
        /** @description Something the Copilot made, with where it comes from. */
        Artifact: {
            /**
             * @description Of briefs and summaries `{text, issue, collected, tried, next, …}`, of replies `{suggestions}`, of rewritings
             *     `{draft, style, text, changed, warnings}`, of answers `{question, text, grounded}`.
             */
            body: Record<string, unknown>;
            cost?: components["schemas"]["Cost"] | null;
            covers: components["schemas"]["Covers"];
            created_at: components["schemas"]["Time"];
            /** @description Who asked for it; null: Relevo itself. */
            created_by?: string | null;
            /** @description Why it failed, or why no model wrote it: in the server's words. */
            error?: string | null;
            /**
             * @description The same, to be said in the reader's language: `{kind, …}` with the values that belong to it (`status`, `said`,
             *     `seconds`, `team`, `used`, `limit`, `text`). `kind` is `unreachable`, `no_answer`, `resting`, `key_refused`, `too_many`,
             *     `http_status`, `broken_off`, `filtered`, `not_understood`, `cut`, `nothing_usable`, `too_long`, `too_slow`,
             *     `personal_data`, `spent`, `needs_model`, `stopped`, `withdrawn` or `other`.
             */
            failure?: Record<string, unknown> | null;
            /** @description What became of it: `{what, distance, suggestion, rating, agent, at}`. */
            feedback: Record<string, unknown>[];
            id: string;
            kind: components["schemas"]["ArtifactKind"];
            language: string;
            /** @description The model's name, or `offline`. */
            model: string;
            /** @description How much was said since. */
            new_messages: number;
            /** @description Whether no model was asked. */
            offline: boolean;
            /** @description The hash of the prompt. */
            prompt_version: string;
            /** @description `{n, kind, id, title, version, span, seq}`. */
            sources: Record<string, unknown>[];
            /**
             * @description Whether it no longer tells the whole: what is meant for the customer once they wrote again, anything else once
             *     anybody did.
             */
            stale: boolean;
            status: components["schemas"]["ArtifactStatus"];
            tokens?: components["schemas"]["Tokens"] | null;
        };
        /**
         * @description What the Copilot made.
         * @enum {string}
         */
        ArtifactKind: "brief" | "summary" | "reply" | "rewrite" | "ask";
        /**
         * @description Where its making stands.
         * @enum {string}
         */
        ArtifactStatus: "running" | "done" | "failed" | "cancelled";
        /** @description A shortcut as it would be sent. */
        AsSent: {
            language: string;
            missing: string[];
            /** @description What is missing stands in it as `{{name}}`. */
            text: string;
        };
        /** @description Something that only the agent knows. */
        Asked: {
            label: string;
            name: string;
        };
        /** @description A file of a message. Its place among them is its address: `…/files/{seq}/{n}`. */
        Attachment: {
            /** @description Whether it may be shown in place. */
            inline: boolean;
            name: string;
            /**
             * Format: int64
             * @description In bytes.
             */
            size: number;
            /** @description Its media type, by what is in it. */
            type: string;
        };
        Became: {
            /**
             * Format: int32
             * @description For `edited`: how many characters were changed.
             */
            distance?: number | null;
            rating?: components["schemas"]["Rating"] | null;
            /**
             * Format: int32
             * @description Of several suggestions the one that it is about, from 0.
             */
            suggestion?: number | null;
            what: components["schemas"]["What"];
        };
        /** @description What is being made. */
        Begun: {
            id: string;
        };
        BoardContact: {
            email?: string | null;
            id: string;
            name?: string | null;
        };
        /** @description A row of the visitors board. */
        BoardRow: (components["schemas"]["Here"] | null) & {
            contact: components["schemas"]["BoardContact"];
            online: boolean;
        };
        /** @description What a bot answers: [`Answer`], described. */
        BotAnswer: {
            captured?: {
                [key: string]: string;
            } | null;
            handoff?: components["schemas"]["BotHandoff"] | null;
            /** @description The same id again changes nothing. */
            id: string;
            messages?: components["schemas"]["BotMessage"][] | null;
        };
        BotHandoff: {
            captured?: {
                [key: string]: string;
            } | null;
            /** @description For agents only. */
            note?: string | null;
            /** @description In the bot's words. */
            reason?: string | null;
            skill?: string | null;
            /** @description A team's id. */
            team?: string | null;
        };
        BotMessage: {
            buttons?: Record<string, unknown>[] | null;
            text: string;
        };
        /** @description A file that was brought and that no message carries yet. */
        Brought: components["schemas"]["Attachment"] & {
            id: string;
        };
        /** @description A ready answer under a message. */
        Button: {
            /** @description What the bot receives; the title when left out. */
            payload?: string | null;
            title: string;
        };
        CallForHelp: {
            /** @description What it is about, for colleagues. */
            note?: string | null;
            /** @description The skill that it needs: of those whose it is, the conversation is starred. */
            skill?: string | null;
        };
        /** @description A conversation as a row of the list. */
        Card: {
            assignee?: string | null;
            channel: string;
            contact: components["schemas"]["CardContact"];
            control: components["schemas"]["Control"];
            created_at: components["schemas"]["Time"];
            /** @description What the agent who asks was writing. */
            draft?: string | null;
            handoff_reason?: components["schemas"]["HandoffReason"] | null;
            help?: components["schemas"]["Help"] | null;
            id: string;
            inbox: string;
            labels: string[];
            language?: string | null;
            last?: components["schemas"]["LastSaid"] | null;
            /** @description Whether the agent who asks was called in a note and has not looked since: 1 or 0. */
            mentions: number;
            /** @description Whether the visitor is on the site. */
            online: boolean;
            outcome?: components["schemas"]["Outcome"] | null;
            participants: string[];
            /**
             * Format: int64
             * @description The position of its last fact in the log.
             */
            position: number;
            priority: components["schemas"]["Priority"];
            /** @description How Relevo would say that it ended. */
            proposed_outcome: components["schemas"]["Outcome"];
            /**
             * Format: int64
             * @description The number of its last fact.
             */
            seq: number;
            snoozed_until?: components["schemas"]["Time"] | null;
            /** @description How far it has come: a stage's id. */
            stage?: string | null;
            /** @description `open`, `pending`, `snoozed` or `closed`. */
            status: components["schemas"]["Status"];
            team?: string | null;
            /**
             * Format: int32
             * @description The visitor's messages that nobody has seen.
             */
            unread: number;
            updated_at: components["schemas"]["Time"];
            waiting_since?: components["schemas"]["Time"] | null;
            window_ends_at?: components["schemas"]["Time"] | null;
        };
        CardContact: {
            email?: string | null;
            id: string;
            name?: string | null;
            phone?: string | null;
            /** @description Whether the site vouches for them. */
            verified: boolean;
        };
        /** @description One page of a list. */
        Cards: {
            cards: components["schemas"]["Card"][];
            /** @description The next page's `after`; null on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description The log's position when it was read: sockets go on from here.
             */
            position: number;
        };
        /** @description What may be changed of a source. */
        ChangeSource: {
            /** @description For the team only. */
            internal?: boolean | null;
            name?: string | null;
            /** @description Whether its articles may be found. */
            published?: boolean | null;
        };
        /** @description It is on disk. */
        ChannelAck: {
            conversation: string;
            /** @description Relevo's id for the message. */
            message: string;
        };
        /** @description Who said it. */
        ChannelContact: {
            /** @description Taken where none is known yet. */
            email?: string | null;
            /** @description The provider's own id for the person. */
            external_id: string;
            /** @description Taken where none is known yet. */
            name?: string | null;
        };
        /** @description Something that a visitor said to a provider. */
        ChannelMessage: {
            contact: components["schemas"]["ChannelContact"];
            /** @description The provider's own id for it: the same one again changes nothing. */
            id: string;
            /** @description The visitor's, as in `es-MX`; heard with the first message of a conversation. */
            language?: string | null;
            /** @description The payload of the button that the visitor pressed. */
            payload?: string | null;
            text: string;
        };
        /** @description What became of a message that Relevo gave the provider. */
        ChannelReceipt: {
            /** @description As the message came with it. */
            conversation: string;
            /** @description The message's id, which is also its `webhook-id`. */
            message: string;
            /** @description Why it failed, for agents. */
            reason?: string | null;
            state: components["schemas"]["ChannelReceiptState"];
        };
        /** @description How far Relevo knows it to have come. */
        ChannelReceiptAck: {
            state: string;
        };
        /**
         * @description How far it has come.
         * @enum {string}
         */
        ChannelReceiptState: "delivered" | "read" | "failed";
        Close: {
            outcome?: string | null;
        };
        /** @description An agent as colleagues see them. */
        Colleague: {
            email: string;
            id: string;
            /** @description Best first. */
            languages: string[];
            name: string;
            presence: components["schemas"]["Presence"];
            role: components["schemas"]["Role"];
            skills: string[];
            teams: string[];
        };
        /** @description The person who is served, and all that is known of them. */
        Contact: {
            attributes: {
                [key: string]: string;
            };
            created_at: components["schemas"]["Time"];
            email?: string | null;
            /** @description The site's own id for them. */
            external_id?: string | null;
            id: string;
            name?: string | null;
            phone?: string | null;
            /** @description Whether the site vouches for them. */
            verified: boolean;
        };
        /** @description Who speaks for the house, since which change. */
        Control: {
            /**
             * Format: int64
             * @description Grows at every change of control.
             */
            epoch: number;
            holder: components["schemas"]["Holder"];
        };
        /** @description What the Copilot made in some days, and what became of it. */
        CopilotReport: {
            /** @description By `kind` and `agent`, who asked; null: Relevo itself. */
            agents: components["schemas"]["Used"][];
            from: components["schemas"]["Time"];
            /** @description By `kind` and `language`. */
            languages: components["schemas"]["Used"][];
            /** @description By `kind`, `model` and `prompt_version`. */
            models: components["schemas"]["Used"][];
            /** @description By `kind`. */
            tasks: components["schemas"]["Used"][];
            total: components["schemas"]["Used"];
            until: components["schemas"]["Time"];
        };
        /** @description Money. */
        Cost: {
            currency: string;
            /**
             * Format: int64
             * @description Millionths of the currency's unit.
             */
            micros: number;
        };
        /** @description Where the visitor is. */
        Country: {
            /** @description Two capitals, as ISO 3166-1 names it. */
            code: string;
            /** @description `address`, or `time_zone` where it is a guess. */
            from: components["schemas"]["CountrySource"];
        };
        /**
         * @description What a country was taken from.
         * @enum {string}
         */
        CountrySource: "address" | "time_zone";
        /** @description The facts that it was made from. */
        Covers: {
            /** Format: int64 */
            first: number;
            /** Format: int64 */
            last: number;
        };
        Credentials: {
            email: string;
            password: string;
        };
        /** @description What they cost one team on one day. */
        Day: {
            /**
             * Format: int64
             * @description How many artifacts a model was asked for, also where its answer is not what was shown.
             */
            asked: number;
            /** Format: int64 */
            completion_tokens: number;
            /** @description By currency, in millionths of its unit. */
            cost_micros: {
                [key: string]: number;
            };
            /** @description The day (UTC), as `2026-11-21`. */
            day: string;
            /** Format: int64 */
            prompt_tokens: number;
            team?: string | null;
        };
        /**
         * @description How far an outgoing message has come.
         * @enum {string}
         */
        Delivery: "queued" | "sending" | "sent" | "delivered" | "read" | "failed" | "unknown";
        /** @description A conversation and all that is known about whom it is with. */
        Detail: {
            /** @description What the visitor told the bot. */
            captured: {
                [key: string]: string;
            };
            card: components["schemas"]["Card"];
            information: components["schemas"]["Information"];
            participants: string[];
            /** @description The agents who have it open. */
            viewing: string[];
        };
        /** @description What an agent was writing. */
        Drafts: {
            note?: string | null;
            reply?: string | null;
        };
        /** @description An earlier conversation of the same contact. */
        Earlier: {
            created_at: components["schemas"]["Time"];
            id: string;
            inbox: string;
            outcome?: components["schemas"]["Outcome"] | null;
            /** @description `open`, `pending`, `snoozed` or `closed`. */
            status: components["schemas"]["Status"];
            /** @description What it was about, where the Copilot has written that. */
            summary?: string | null;
        };
        Edit: {
            email?: string | null;
            /** @description Null empties it; left out, it stays. */
            name?: string | null;
            phone?: string | null;
        };
        /** @description What went wrong in a bot's turn, to be said in the reader's language. */
        Failure: {
            /** @enum {string} */
            kind: "no_answer";
            /** Format: int64 */
            seconds: number;
        } | {
            /** @enum {string} */
            kind: "no_late_answer";
        } | {
            /** @enum {string} */
            kind: "http_status";
            /** Format: int32 */
            status: number;
        } | {
            /** @enum {string} */
            kind: "too_large";
            /** Format: int64 */
            limit: number;
        } | {
            /** @enum {string} */
            kind: "not_understood";
            problem: string;
        } | {
            /** @enum {string} */
            kind: "unreachable";
        } | {
            /** @enum {string} */
            kind: "broken_off";
        } | {
            /** @enum {string} */
            kind: "crashed";
        } | {
            bot: string;
            /** @enum {string} */
            kind: "not_plugged_in";
        } | {
            /** @enum {string} */
            kind: "other";
            text: string;
        };
        /**
         * @description Which of the two checks of the fence withheld something.
         * @enum {string}
         */
        FenceCheck: "accepted" | "delivery";
        /** @description What is wrong with a file that was left out. */
        FileProblem: {
            column: number;
            file: string;
            line: number;
            message: string;
        };
        /** @description A passage found. */
        FoundView: {
            /** @description The article's id. */
            id: string;
            internal: boolean;
            /** @description `article` or `shortcut`. */
            kind: string;
            language: string;
            /**
             * Format: float
             * @description 0..=1: how well it fits.
             */
            likeness: number;
            source: string;
            /** @description First and last byte in the article. */
            span: number[];
            /** @description Its first words. */
            text: string;
            title: string;
            version: string;
        };
        /** @description How many live conversations stand where. */
        Groups: {
            /** @description By the inbox's id. */
            inboxes: {
                [key: string]: number;
            };
            /** @description By the label. */
            labels: {
                [key: string]: number;
            };
        };
        HandBack: {
            bot?: string | null;
            note?: string | null;
        };
        /**
         * @description Why a person is wanted.
         * @enum {string}
         */
        HandoffReason: "bot_asked" | "visitor_asked" | "bot_failed" | "bot_timeout" | "bot_error" | "too_large" | "no_bot" | "low_confidence";
        Hello: {
            identity?: components["schemas"]["Identity"] | null;
            /** @description The inbox that the page carries. */
            inbox: string;
            language?: string | null;
            page?: string | null;
            referrer?: string | null;
            /** @description The device's, as the IANA database names it (`Europe/Madrid`). */
            time_zone?: string | null;
            title?: string | null;
            /** @description What an earlier answer gave this browser. */
            token?: string | null;
            utm?: {
                [key: string]: string;
            };
        };
        /** @description A call for help. */
        Help: {
            /** @description Who calls. */
            by: string;
            note?: string | null;
            since: components["schemas"]["Time"];
            /** @description The skill that it needs. */
            skill?: string | null;
        };
        /** @description What somebody who is here does. */
        Here: {
            control?: components["schemas"]["Control"] | null;
            conversation?: string | null;
            inbox: string;
            language?: string | null;
            page?: string | null;
            since: components["schemas"]["Time"];
            title?: string | null;
            waiting_since?: components["schemas"]["Time"] | null;
        };
        /** @description Who speaks for the house. */
        Holder: {
            /** @description Its id. */
            bot: string;
            /** @enum {string} */
            kind: "bot";
        } | {
            /** @enum {string} */
            kind: "queue";
            /** @description Since then. */
            since: components["schemas"]["Time"];
            /** @description With this skill. */
            skill?: string | null;
            /** @description Of this team. */
            team?: string | null;
        } | {
            /** @description Their id. */
            agent: string;
            /** @enum {string} */
            kind: "human";
        };
        /** @description The site vouches for its visitor: `hmac` is the hexadecimal HMAC-SHA256 of `id` with the inbox's secret. */
        Identity: {
            email?: string | null;
            hmac: string;
            id: string;
            name?: string | null;
            phone?: string | null;
        };
        InboxInfo: {
            /** @description The bot that answers first. */
            bot?: string | null;
            channel: string;
            id: string;
            name: string;
        };
        /** @description Whom it is with, and how they got here. */
        Information: {
            channel: string;
            contact: components["schemas"]["Contact"];
            country?: components["schemas"]["Country"] | null;
            earlier: components["schemas"]["Earlier"][];
            inbox: string;
            language?: string | null;
            /** @description `{page, title, referrer, user_agent, utm, country}` of the first message. */
            origin: Record<string, unknown>;
            /** @description The pages seen last, newest first. */
            pages: components["schemas"]["Visited"][];
            user_agent?: string | null;
            utm: {
                [key: string]: string;
            };
        };
        Inputs: {
            /** @description Answers to what the shortcut asks. */
            inputs?: {
                [key: string]: string;
            };
        };
        /** @description A fact as agents see it. */
        Item: components["schemas"]["ItemKind"] & {
            actor: components["schemas"]["Actor"];
            at: components["schemas"]["Time"];
            /**
             * Format: int64
             * @description Its number in the conversation.
             */
            seq: number;
        };
        ItemKind: {
            channel: string;
            contact: string;
            control: components["schemas"]["Control"];
            inbox: string;
            /** @enum {string} */
            kind: "started";
            language?: string | null;
            origin: Record<string, unknown>;
        } | {
            /** @enum {string} */
            kind: "message";
            message: components["schemas"]["Message"];
            /** @description The bot's turn that said it. */
            turn?: string | null;
        } | {
            at_check: components["schemas"]["FenceCheck"];
            /** Format: int64 */
            began_in: number;
            /** Format: int64 */
            epoch: number;
            /** @enum {string} */
            kind: "suppressed";
            message?: components["schemas"]["Message"] | null;
            /** @description The hand-over's note, or the data. */
            reason?: Record<string, unknown> | null;
            turn: string;
            /** @description `message`, `handoff` or `captured`. */
            what: components["schemas"]["WithheldKind"];
        } | {
            /** @enum {string} */
            kind: "delivery";
            message: string;
            reason?: string | null;
            state: components["schemas"]["Delivery"];
        } | {
            /** @enum {string} */
            kind: "read";
            /** @description `visitor` or `agent`. */
            reader: components["schemas"]["Reader"];
            /** Format: int64 */
            up_to: number;
        } | {
            /** @enum {string} */
            kind: "received";
            /** Format: int64 */
            up_to: number;
        } | {
            /** @enum {string} */
            kind: "note";
            note: components["schemas"]["PrivateNote"];
        } | {
            /** @enum {string} */
            kind: "message_removed";
            message: string;
            /**
             * Format: int64
             * @description The item that brought it.
             */
            posted: number;
        } | {
            data: {
                [key: string]: string;
            };
            /** @enum {string} */
            kind: "captured";
        } | {
            captured: {
                [key: string]: string;
            };
            control: components["schemas"]["Control"];
            detail?: string | null;
            failure?: components["schemas"]["Failure"] | null;
            /** @enum {string} */
            kind: "handoff_requested";
            note?: string | null;
            reason: components["schemas"]["HandoffReason"];
        } | {
            agent: string;
            control: components["schemas"]["Control"];
            /** @enum {string} */
            kind: "taken_over";
        } | {
            agent: string;
            /** @enum {string} */
            kind: "joined";
        } | {
            agent: string;
            /** @enum {string} */
            kind: "left";
        } | {
            agent: string;
            /** @enum {string} */
            kind: "help_requested";
            note?: string | null;
            skill?: string | null;
        } | {
            /** @enum {string} */
            kind: "help_withdrawn";
        } | {
            control: components["schemas"]["Control"];
            from?: string | null;
            /** @enum {string} */
            kind: "transferred";
            note?: string | null;
            to: components["schemas"]["Target"];
        } | {
            agent: string;
            bot: string;
            control: components["schemas"]["Control"];
            /** @enum {string} */
            kind: "handed_back";
            note?: string | null;
        } | {
            /** @enum {string} */
            kind: "status_changed";
            reason?: components["schemas"]["StatusReason"] | null;
            /** @description `open`, `pending`, `snoozed` or `closed`. */
            status: components["schemas"]["Status"];
            until?: components["schemas"]["Time"] | null;
        } | {
            /** @enum {string} */
            kind: "priority_changed";
            priority: components["schemas"]["Priority"];
        } | {
            added: string[];
            /** @enum {string} */
            kind: "labels_changed";
            removed: string[];
        } | {
            /** @enum {string} */
            kind: "team_changed";
            team?: string | null;
        } | {
            /** @enum {string} */
            kind: "stage_changed";
            stage?: string | null;
        } | {
            control: components["schemas"]["Control"];
            /** @enum {string} */
            kind: "closed";
            outcome: components["schemas"]["Outcome"];
            proposed: boolean;
        } | {
            control: components["schemas"]["Control"];
            /** @enum {string} */
            kind: "reopened";
            reason: components["schemas"]["ReopenReason"];
        } | {
            contact: string;
            /** @enum {string} */
            kind: "contact_updated";
        } | {
            /** @enum {string} */
            kind: "page_visited";
            title: string;
            url: string;
        } | {
            detail: string;
            failure?: components["schemas"]["Failure"] | null;
            /** @enum {string} */
            kind: "turn_failed";
            reason: components["schemas"]["HandoffReason"];
            turn: string;
        } | {
            /** @enum {string} */
            kind: "macro_ran";
            macro: string;
            steps: components["schemas"]["Step"][];
        };
        /** @description Part of a timeline. */
        Items: {
            /** Format: int64 */
            first_seq?: number | null;
            /** @description In order. */
            items: components["schemas"]["Item"][];
            /** Format: int64 */
            last_seq?: number | null;
        };
        /** @description The index and its sources. */
        KnowledgeOverview: {
            /** @description `embedded` or `qdrant`. */
            index: string;
            /** @description Whether the asking agent may change sources. */
            may_change: boolean;
            /**
             * Format: int64
             * @description How many passages can be found; none where the index does not answer.
             */
            passages?: number | null;
            /** @description Files of sources that cannot be understood. */
            problems: components["schemas"]["PlaceProblem"][];
            sources: components["schemas"]["SourceView"][];
        };
        /**
         * @description What was said last.
         * @enum {string}
         */
        LastKind: "message" | "note" | "removed";
        /** @description What was said last. */
        LastSaid: {
            actor: components["schemas"]["Actor"];
            at: components["schemas"]["Time"];
            kind: components["schemas"]["LastKind"];
            preview: string;
            /** Format: int64 */
            seq: number;
        };
        Limits: {
            /**
             * Format: int64
             * @description The largest file.
             */
            attachment_bytes: number;
        };
        Link: {
            token: string;
        };
        /** @description A macro. */
        Listed: {
            description: Record<string, unknown>;
            file: string;
            /** @description What its shortcuts ask. */
            inputs: components["schemas"]["Asked"][];
            name: string;
            /** @description Objects with the action's name as their one key. */
            steps: Record<string, unknown>[];
            /** @description A text, or one for each language. */
            title: Record<string, unknown>;
        };
        Make: {
            /** @description For `summary`: reads the whole conversation anew, also where nothing was said since the last one. */
            again?: boolean;
            /** @description For `rewrite`: the draft, at most 8,000 characters. */
            draft?: string | null;
            /** @description `summary`, `reply`, `rewrite` or `ask`. */
            kind: string;
            /** @description `es`, `pt` or `en`; the agent's or the customer's own when left out, a draft's own when it is rewritten. */
            language?: string | null;
            /** @description For `ask`: the question, at most 1,000 characters. */
            question?: string | null;
            style?: components["schemas"]["Style"] | null;
        };
        /** @description Who is signed in, and what the deployment is made of. */
        Me: {
            agent: components["schemas"]["Colleague"];
            agents: components["schemas"]["Colleague"][];
            bots: components["schemas"]["Named"][];
            copilot: components["schemas"]["Model"];
            inboxes: components["schemas"]["InboxInfo"][];
            limits: components["schemas"]["Limits"];
            /** @description In their order. */
            stages: components["schemas"]["StageInfo"][];
            teams: components["schemas"]["Named"][];
            visibility: components["schemas"]["Visibility"];
            workspace: components["schemas"]["Workspace"];
        };
        /** @description A message as everybody sees it. */
        Message: {
            attachments: components["schemas"]["Attachment"][];
            author: components["schemas"]["Actor"];
            buttons: components["schemas"]["Button"][];
            /** @description The writer's own id for it. */
            client_id?: string | null;
            id: string;
            reply_to?: string | null;
            /** @description Markdown-lite; empty only where files stand for it. */
            text: string;
        };
        Model: {
            /** @description The model's name, or `offline`. */
            model: string;
        };
        /** @description Something with an id and a name. */
        Named: {
            id: string;
            name: string;
        };
        NewDraft: {
            mode: string;
            text: string;
        };
        /** @description A new source: pages (`urls`) or a text. */
        NewSource: {
            format?: components["schemas"]["WrittenIn"] | null;
            /** @description The inboxes that it is for; empty: all. */
            inboxes?: string[];
            /** @description For the team only. */
            internal?: boolean;
            /** @description `es`, `pt` or `en`; found out when left out. */
            language?: string | null;
            name: string;
            /** @description A text of its own. */
            text?: string | null;
            /** @description Pages of the web. */
            urls?: string[];
        };
        NewTicket: {
            /** @description For `/ws/agent?ticket=…`, once, within 30 s. */
            ticket: string;
        };
        Note: {
            client_id: string;
            mentions?: string[];
            text: string;
        };
        Nothing: Record<string, unknown>;
        /** @description A shortcut in one language. */
        Offered: {
            /** @description With its holes. */
            body: string;
            category?: string | null;
            file: string;
            inputs: components["schemas"]["Asked"][];
            language: string;
            /** @description All that it is written in. */
            languages: string[];
            name: string;
            /** @description `global` or `team:<id>`. */
            scope: string;
            title: string;
            variables: string[];
        };
        /**
         * @description How a conversation ended.
         * @enum {string}
         */
        Outcome: "never_answered" | "nobody_available" | "success" | "escalated";
        Patch: {
            /** @description The whole new set. */
            labels?: string[] | null;
            priority?: string | null;
            /** @description When a snooze ends; left out: with the customer's next message. */
            snoozed_until?: string | null;
            /** @description A stage's id; null: none. */
            stage?: string | null;
            /** @description `open`, `pending` or `snoozed`. */
            status?: string | null;
            /** @description A team's id; null: none. */
            team?: string | null;
        };
        /** @description A file or page that could not be read. */
        PlaceProblem: {
            /** @description Which: a path or an address. */
            place: string;
            /** @description Why, and what to do. */
            problem: string;
        };
        /**
         * @description Whether an agent is there.
         * @enum {string}
         */
        Presence: "available" | "away" | "offline";
        /**
         * @description How much it hurries.
         * @enum {string}
         */
        Priority: "none" | "low" | "medium" | "high" | "urgent";
        /** @description A private note. */
        PrivateNote: {
            client_id?: string | null;
            id: string;
            mentions: string[];
            text: string;
        };
        /** @description Why a request was refused (RFC 9457). Some codes have more members, such as `agent` of `already_taken`. */
        Problem: {
            /** @description Stable, for programs. */
            code: string;
            /** @description For people: what is wrong and what to do. */
            detail: string;
            /** @description The field that is wrong. */
            field?: string | null;
            /**
             * Format: int64
             * @description The limit that was passed.
             */
            limit?: number | null;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The status in words. */
            title: string;
            /** @description Names the kind of problem. */
            type: string;
        };
        /** @description Publishes an article, or takes it back. */
        PublishArticle: {
            /** @description The article's id. */
            article: string;
            published: boolean;
        };
        /** @description What a macro did. */
        Ran: {
            card: components["schemas"]["Card"];
            steps: components["schemas"]["Step"][];
        };
        /**
         * @description Whether an artifact helped.
         * @enum {string}
         */
        Rating: "good" | "bad";
        ReadMark: {
            up_to: components["schemas"]["u64"];
        };
        /**
         * @description Who has read.
         * @enum {string}
         */
        Reader: "visitor" | "agent";
        /**
         * @description Why a closed conversation is live again.
         * @enum {string}
         */
        ReopenReason: "visitor_wrote" | "agent_wrote";
        Reply: {
            /** @description The suggestion that it began as. */
            artifact?: string | null;
            /** @description The ids of files that were brought for it. */
            attachments?: string[];
            client_id: string;
            reply_to?: string | null;
            /** @description The rewritings that went into it, at most 20. */
            rewrites?: string[];
            /** @description The shortcut that it began as. */
            shortcut?: string | null;
            /** @description May be empty where files stand for it. */
            text: string;
        };
        /**
         * @description What an agent may do.
         * @enum {string}
         */
        Role: "agent" | "supervisor" | "admin";
        RunMacro: {
            /** @description The run's own id: the same again runs nothing and finds what the first did. */
            client_id: string;
            /** @description Answers to what its shortcuts ask. */
            inputs?: {
                [key: string]: string;
            };
            /** @description Steps to leave out, counted from 0. */
            skip?: number[];
        };
        /** @description A source. */
        SourceView: {
            /** @description How many articles can be found. */
            articles: number;
            /** @description Shortcuts and the folder of the settings: not to be changed here. */
            built_in: boolean;
            id: string;
            inboxes: string[];
            internal: boolean;
            /** @description `shortcuts`, `path`, `urls` or `text`. */
            kind: string;
            language?: string | null;
            name: string;
            /** @description A path or addresses. */
            places: string[];
            problems: components["schemas"]["PlaceProblem"][];
            published: boolean;
            /** @description When it was read last, in RFC 3339. */
            read_at?: string | null;
            /** @description How many places of how many are read, while it is being read. */
            reading?: number[] | null;
        };
        /** @description A stage that a conversation may be in. */
        StageInfo: {
            id: string;
            /** @description By language: `es`, `pt`, `en`. */
            names: {
                [key: string]: string;
            };
        };
        /**
         * @description Where the work on a conversation stands.
         * @enum {string}
         */
        Status: "open" | "pending" | "snoozed" | "closed";
        /**
         * @description Why a status changed by itself.
         * @enum {string}
         */
        StatusReason: "visitor_wrote" | "snooze_ended";
        /** @description What a macro's step did. */
        Step: {
            action: string;
            result: string;
        };
        /**
         * @description How a rewritten draft should read.
         * @enum {string}
         */
        Style: "clearer" | "shorter" | "longer" | "friendlier" | "formal" | "corrected" | "translated";
        /** @description A label that a conversation may well have. */
        SuggestedLabel: {
            /**
             * Format: float
             * @description How alike what the customer said and the label's examples are, 0 to 1; what is below 0.2 is not suggested.
             */
            certainty: number;
            label: string;
        };
        /** @description Where a conversation was given. */
        Target: {
            agent: string;
            /** @enum {string} */
            kind: "agent";
        } | {
            /** @enum {string} */
            kind: "team";
            team: string;
        } | {
            /** @enum {string} */
            kind: "nobody";
        };
        /**
         * Format: date-time
         * @description An instant: RFC 3339 in UTC with milliseconds.
         * @example 2026-11-20T22:01:02.345Z
         */
        Time: string;
        /** @description What a model counted. */
        Tokens: {
            /** Format: int32 */
            completion: number;
            /** Format: int32 */
            prompt: number;
        };
        Transfer: {
            note?: string | null;
            to: Record<string, unknown>;
        };
        /** @description What the models cost. */
        Usage: {
            /**
             * Format: int64
             * @description What they may read and write for one team in a day (UTC); null: as much as is asked for.
             */
            day_tokens?: number | null;
            /** @description Oldest day first. */
            days: components["schemas"]["Day"][];
        };
        /** @description What became of some artifacts. What they were not told apart by is null. */
        Used: {
            agent?: string | null;
            /** Format: int64 */
            bad: number;
            /** Format: int64 */
            cancelled: number;
            /**
             * Format: int64
             * @description In all that went out.
             */
            changed_characters: number;
            /** Format: int64 */
            completion_tokens: number;
            /** @description In millionths of each currency's unit. */
            cost_micros: {
                [key: string]: number;
            };
            /** Format: int64 */
            edited: number;
            /** Format: int64 */
            failed: number;
            /**
             * Format: int64
             * @description How often somebody said that one helped, and stands by it.
             */
            good: number;
            /** Format: int64 */
            inserted: number;
            kind?: components["schemas"]["ArtifactKind"] | null;
            language?: string | null;
            /**
             * Format: int64
             * @description How many were finished.
             */
            made: number;
            /** @description The model, or `offline`. */
            model?: string | null;
            /**
             * Format: int64
             * @description How many of those no model wrote.
             */
            offline: number;
            /** Format: int64 */
            prompt_tokens: number;
            /** @description Empty where no model was asked. */
            prompt_version?: string | null;
            /** Format: int64 */
            rejected: number;
            /** Format: int64 */
            sent: number;
            /** Format: int64 */
            sent_unchanged: number;
            /** Format: int64 */
            shown: number;
        };
        /**
         * @description Which conversations agents see; admins see all.
         * @enum {string}
         */
        Visibility: "everyone" | "team" | "assigned";
        /** @description A page that the visitor looked at. */
        Visited: {
            at: components["schemas"]["Time"];
            title?: string | null;
            url: string;
        };
        /**
         * @description What became of an artifact.
         * @enum {string}
         */
        What: "shown" | "inserted" | "edited" | "sent" | "rejected" | "rated";
        WidgetBot: {
            id: string;
            name: string;
        };
        WidgetContact: {
            id: string;
            name?: string | null;
        };
        WidgetInbox: {
            bot?: components["schemas"]["WidgetBot"] | null;
            id: string;
            name: string;
        };
        /** @description What a message may carry. */
        WidgetLimits: {
            /**
             * Format: int64
             * @description Of a file.
             */
            attachment_bytes: number;
            /** @description Files. */
            attachments: number;
            /** @description In characters. */
            text: number;
        };
        /** @description A visitor's session. */
        WidgetSession: {
            contact: components["schemas"]["WidgetContact"];
            conversation?: string | null;
            inbox: components["schemas"]["WidgetInbox"];
            language?: string | null;
            limits: components["schemas"]["WidgetLimits"];
            /** @description For `/ws/visitor?ticket=…`, once, within 30 s. */
            ticket: string;
            /** @description Names this browser's visitor, for good. */
            token: string;
        };
        /**
         * @description What of a stale turn was withheld.
         * @enum {string}
         */
        WithheldKind: "message" | "handoff" | "captured";
        Workspace: {
            name: string;
        };
        /** @description Where something that was written stands. */
        Written: {
            /** @description The id of the message or note. */
            message_id?: string | null;
            /** @description Whether it had been written before, under the same `client_id`. */
            repeated: boolean;
            /**
             * Format: int64
             * @description Its number in the conversation.
             */
            seq?: number | null;
        };
        /**
         * @description What a text is written in.
         * @enum {string}
         */
        WrittenIn: "markdown" | "html" | "csv" | "jsonl";
        /** Format: int64 */
        u64: number;
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
