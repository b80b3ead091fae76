// Renews what moves of the operations on a page: badges, bars and reasons, every two seconds until all have ended.
"use strict";

(() => {
    const PERIOD_MS = 2000;
    const SLOW_MS = 15000; // after an answer that is none
    const MOST = 100; // operations that one look renews
    const address = document.currentScript.dataset.address;

    const write = {
        badge(part, state) {
            const badge = part.firstElementChild;
            badge.className = `badge badge-${state.tone}`;
            badge.textContent = state.word;
        },
        bar(part, state) {
            const drawn = part.firstElementChild;
            drawn.hidden = state.measure === "";
            drawn.querySelector("progress").value = state.percent;
            drawn.querySelector("progress").hidden = state.is_finished;
            drawn.querySelector(".measure").textContent = state.measure;
        },
        reason(part, state) {
            part.firstElementChild.textContent = state.reason;
            if (state.is_finished) {
                const link = document.createElement("a");
                link.href = window.location.href;
                link.textContent = "Show what became of it";
                part.append(" ", link);
            }
        },
    };

    function moving() {
        return [...document.querySelectorAll("[data-operation]")];
    }

    function renew(asked, states) {
        for (const part of moving().filter((each) => asked.includes(each.dataset.operation))) {
            const state = states[part.dataset.operation];
            if (state) {
                write[part.dataset.part](part, state);
            }
            if (!state || state.is_finished) {
                delete part.dataset.operation;
            }
        }
    }

    async function ask() {
        const serials = [...new Set(moving().map((part) => part.dataset.operation))].slice(0, MOST);
        const query = new URLSearchParams(serials.map((serial) => ["of", serial]));
        const answer = await fetch(`${address}?${query}`, {headers: {Accept: "application/json"}, redirect: "error"});
        if (!answer.ok) {
            throw new Error(`status ${answer.status}`);
        }
        return {asked: serials, states: (await answer.json()).operations};
    }

    async function look() {
        let pause = PERIOD_MS;
        if (!document.hidden) {
            try {
                const {asked, states} = await ask();
                renew(asked, states);
            } catch {
                pause = SLOW_MS;
            }
        }
        later(pause);
    }

    function later(pause) {
        if (moving().length) {
            window.setTimeout(look, pause);
        }
    }

    later(PERIOD_MS);
})();
