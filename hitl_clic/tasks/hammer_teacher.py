"""The scripted teacher of Hammer."""

from __future__ import annotations

import numpy as np

from hitl_clic.tasks.hammer_state import DRIVEN, FACE, HEAD_X, NAIL_FACE, Floats, HammerState, decode
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher


class P:
    grip=(-0.09,0.02); gz=0.022; hover=0.09; f0=0.015; f1=0.05; gain=10.; vmax=1.0
    azz=(0.04,0.055); w=(.56,.66); al=(.015,.03); c=0.5; stand=0.03; push=0.08

def ramp(v, zero, one):
    return min(1.0, max(0.0, (v - zero) / (one - zero)))

class HammerTeacher(MemorylessTeacher):
    name = "hitl_clic/HammerTeacher/1"
    def action(self, observation: Array) -> Array:
        s = decode(np.clip(observation, -2, 2))
        a, k, g = self.parts(s)
        return a
    def parts(self, s):
        along, strike = s.turn[:, 0], s.turn[:, 1]
        place = float(np.clip((s.hand - s.hammer) @ along, *P.grip))
        grip = s.hammer + place * along
        off = s.hand - grip
        beside = float(np.hypot(off[0], off[1]))
        around = (1 - ramp(beside, 0.02, 0.035)) * (1 - ramp(abs(off[2]), *P.azz))
        held = around * (1 - ramp(s.opening, *P.w))
        reach = grip + [0, 0, P.gz + P.hover * ramp(beside, P.f0, P.f1)] - s.hand
        head = s.hammer + HEAD_X * along
        face = head + FACE * float(np.clip(3 * strike[1], -1, 1)) * strike
        nail = s.nail - [0, NAIL_FACE, 0]
        e = nail - face
        al = 1 - ramp(np.hypot(e[0], e[2]), *P.al)
        e[1] += -P.stand * (1 - al) + P.push * al
        way = (1 - held) * self.speed(reach) + held * self.speed(e)
        close = 2 * ramp(around, 0.0, P.c) - 1
        return np.append(way, close).astype(np.float32), held, around
    def speed(self, e):
        v = P.gain * e
        return v / max(1.0, np.abs(v).max())
