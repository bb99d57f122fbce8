-- extensions.lua: what comes after the notice. The notice itself stands in extensions.conf, before Lua, because a
-- Gosub comes back to the next priority, and an extension in Lua has only one:
--
--     [from-trunk]
--     exten => _[+0-9].,1,GosubIf($[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN}))
--      same => n,Goto(customer-care,${EXTEN},1)
--     exten => h,1,NoOp(notice: ${INFORMATIVA_STATUS} ${INFORMATIVA_REASON} ${INFORMATIVA_RECORD})
--
--     #tryinclude informativa.conf
extensions = {
    ["customer-care"] = {
        ["_[+0-9]."] = function(context, extension)
            app.noop("notice: " .. tostring(channel.INFORMATIVA_STATUS:get()))
            app.queue("customer-care")
            app.hangup()
        end,
        ["h"] = function(context, extension)
            app.noop("notice: " .. tostring(channel.INFORMATIVA_STATUS:get()))
        end,
    },
}
