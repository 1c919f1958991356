//! Invariant 27: the same build, told the same, states the same.

use hotline_core::{Frame, Output, Plan, Switch};

#[derive(Default)]
pub(super) struct Replay {
    frames: Vec<Frame>,
    plan: Option<Plan>,
    first_call: u64,
}

impl Replay {
    pub(super) fn begin_run(&mut self, plan: &Plan, first_call: u64) {
        self.frames.clear();
        self.plan = Some(plan.clone());
        self.first_call = first_call;
    }

    pub(super) fn on_frame(&mut self, frame: &Frame) {
        if !frame.inputs.is_empty() || !frame.facts.is_empty() {
            self.frames.push(frame.clone());
        }
    }

    /// 27: replay of the journal's inputs gives the journal's facts.
    pub(super) fn check(&mut self) -> Vec<(u8, String)> {
        let Some(plan) = self.plan.take() else {
            return Vec::new();
        };
        let mut switch = Switch::new(plan, 1, self.first_call);
        let mut outputs = Vec::new();
        for (number, frame) in std::mem::take(&mut self.frames).into_iter().enumerate() {
            let mut facts = Vec::new();
            for input in frame.inputs {
                switch.handle(frame.now, input, &mut outputs);
                facts.extend(outputs.drain(..).filter_map(|output| match output {
                    Output::Fact(fact) => Some(fact),
                    Output::Alarm(_) | Output::Drained | Output::Leg(..) | Output::Reply(..) => {
                        None
                    }
                }));
            }
            if facts != frame.facts {
                let text = format!(
                    "frame {number} of the run states {:?}, its replay {facts:?}",
                    frame.facts
                );
                return vec![(27, text)];
            }
        }
        Vec::new()
    }
}
